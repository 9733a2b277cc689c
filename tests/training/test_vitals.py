import itertools
import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from ganexp.training.vitals import largest, mean_distance, observe_logits, separation, spread


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_separation_is_the_area_under_the_roc_curve():
    logits = (draw(2, 40) * 3).round()  # with ties
    real, fake = logits[0] + 1, logits[1, :25]
    truth = torch.cat([torch.ones(40), torch.zeros(25)])
    assert float(separation(real, fake)) == pytest.approx(roc_auc_score(truth, torch.cat([real, fake])), abs=1e-6)


def test_separation_is_the_mean_over_rows_and_knows_ranks_alone():
    real, fake = draw(2, 3, 20).unbind()
    rows = [float(separation(a, b)) for a, b in zip(real, fake, strict=True)]
    assert float(separation(real, fake)) == pytest.approx(sum(rows) / 3, abs=1e-6)
    assert float(separation(real.exp() * 1e-3, fake.exp() * 1e-3)) == pytest.approx(sum(rows) / 3, abs=1e-6)


@pytest.mark.parametrize(("shift", "expected"), [(100.0, 1.0), (-100.0, 0.0)])
def test_separation_of_logits_that_are_told_apart(shift, expected):
    assert float(separation(draw(8) + shift, draw(8))) == expected


def test_equal_logits_tell_nothing_apart_and_do_not_spread():
    logits = torch.full((16,), 0.3)
    assert float(separation(logits, logits)) == 0.5
    assert float(spread(logits)) < 1e-6
    assert float(spread(torch.zeros(16))) == 0


def test_spread_has_no_scale():
    x = draw(100)
    assert float(spread(x)) == pytest.approx(float(x.std(correction=0) / x.abs().max()))
    assert float(spread(x * 1e-6)) == pytest.approx(float(spread(x)), rel=1e-4)


def test_a_window_is_judged_by_its_last_batches_of_one_size():
    real, fake = [draw(6) - 9, draw(6) + 1, draw(4) + 9], [draw(6), draw(6), draw(4)]
    seen = observe_logits({"logits/real": real, "logits/fake": fake})
    assert float(seen["health/separation"]) == 1  # of the last one, which is smaller
    assert float(seen["health/spread"]) == pytest.approx(float(spread(torch.cat([real[-1], fake[-1]]))))
    assert observe_logits({"loss/d": [draw(1)]}) == {}


def test_largest_finds_what_is_not_finite_in_any_tensor():
    tensors = [draw(3, 4), -7 * torch.ones(2), torch.tensor(9), torch.empty(0)]
    assert float(largest(tensors)) == 7  # whole numbers are no weights
    for bad, position in itertools.product((math.nan, math.inf), (0, 1)):
        broken = [tensor.clone() for tensor in tensors]
        broken[position].view(-1)[1] = bad
        assert not largest(broken).isfinite()


def test_mean_distance_is_that_of_the_two_halves():
    x = draw(10, 1, 2, 3)
    assert float(mean_distance(x)) == pytest.approx(sum(float((x[i] - x[i + 5]).norm()) for i in range(5)) / 5)
