import itertools
import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from ganexp.comparison.curves import read
from ganexp.runs.signals import SIGNALS, Signal
from ganexp.training.signals import largest, reduce, separation, spread
from support.curves import curves, rows
from support.tiny import TINY_RING


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


def test_logits_are_compared_in_the_last_batches_of_one_size():
    real, fake = [draw(6) - 9, draw(6) + 1, draw(4) + 9], [draw(6), draw(6), draw(4)]
    seen = reduce({"logits/real": real, "logits/fake": fake})
    assert float(seen["health/separation"]) == 1  # of the last one, which is smaller
    assert float(seen["health/spread"]) == pytest.approx(float(spread(torch.cat([real[-1], fake[-1]]))))
    assert list(reduce({"loss/d": [draw(1)]})) == ["loss/d"]


def test_values_of_any_shape_are_reduced_as_their_family_says(monkeypatch):
    monkeypatch.setitem(SIGNALS, "extreme/*", Signal("for this test", reduced="max", makes="newest"))
    monkeypatch.setitem(SIGNALS, "newest/*", Signal("for this test", reduced="last"))
    found = reduce({"my/tag": [draw(2, 3), torch.tensor(7)], "logits/x": [draw(5)], "extreme/x": [draw(4) * 0 + 3, draw(3)]})
    assert float(found["my/tag"]) == pytest.approx(float(torch.cat([draw(6), torch.tensor([7.0])]).mean()))
    assert float(found["probability/x"]) == pytest.approx(float(draw(5).sigmoid().mean()))
    assert (float(found["extreme/x"]), float(found["newest/x"])) == (3, float(draw(3)[-1]))
    assert {tensor.dim() for tensor in found.values()} == {0}


def test_a_new_tag_is_in_the_log_in_tensorboard_and_on_the_page_without_an_edit(trained):
    folder = trained(*TINY_RING, "model._target_=support.observing.Observing").run.path
    expected = [(2, 0.5), (4, 2.5), (6, 4.5)]  # means over two iterations
    assert curves(folder)["my/own/tag"] == expected
    assert [(int(row["iteration"]), float(row["my/own/tag"])) for row in rows(folder) if row["my/own/tag"]] == expected
    on_page = read(folder / "metrics.csv")[0]["my/own/tag"]
    assert list(zip(on_page["x"], on_page["y"], strict=True)) == expected


def test_largest_finds_what_is_not_finite_in_any_tensor():
    tensors = [draw(3, 4), -7 * torch.ones(2), torch.tensor(9), torch.empty(0)]
    assert float(largest(tensors)) == 7  # whole numbers are no weights
    for bad, position in itertools.product((math.nan, math.inf), (0, 1)):
        broken = [tensor.clone() for tensor in tensors]
        broken[position].view(-1)[1] = bad
        assert not largest(broken).isfinite()
