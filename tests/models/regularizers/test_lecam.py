"""LeCam's moving means and its term by hand."""

import pytest
import torch

from ganexp.models.regularizers.lecam import LeCam
from support.judging import judgement
from support.processes import in_two, judge_a_part


def given(real: list[float], fake: list[float]):
    return judgement(lambda x, y: x.squeeze(1), torch.tensor(real)[:, None], torch.tensor(fake)[:, None])


def test_means_and_term_are_those_of_the_formula():
    lecam = LeCam(weight=0.5, decay=0.9, start=1)
    first = given([2.0, 4.0], [-1.0, 1.0])
    assert lecam(first) == 0, "no term before the start"
    lecam.after_update(torch.nn.Identity(), [first])
    assert lecam.anchors.tolist() == [3.0, 0.0]
    second = given([1.0, 5.0], [2.0, -4.0])
    a_real, a_fake = 0.9 * 3.0 + 0.1 * 3.0, 0.9 * 0.0 + 0.1 * -1.0
    expected = ((1 - a_fake) ** 2 + (5 - a_fake) ** 2) / 2 + ((a_real - 2) ** 2 + (a_real + 4) ** 2) / 2
    assert lecam(second).item() == pytest.approx(0.5 * expected)
    lecam.after_update(torch.nn.Identity(), [second])
    assert lecam.anchors.tolist() == pytest.approx([a_real, a_fake])


def test_micro_batches_count_as_one_batch():
    whole, cut = LeCam(start=0), LeCam(start=0)
    whole.after_update(torch.nn.Identity(), [given([1.0, 2.0, 6.0], [0.0, 3.0, 0.0])])
    cut.after_update(torch.nn.Identity(), [given([1.0, 2.0], [0.0, 3.0]), given([6.0], [0.0])])
    torch.testing.assert_close(whole.anchors, cut.anchors)


def test_the_batches_of_all_processes_are_one(tmp_path):
    (anchors, first), (same, second) = in_two(judge_a_part, tmp_path)
    torch.testing.assert_close(anchors, 0.5 * torch.tensor([12.0, -2.0]) / 3)
    assert torch.equal(anchors, same)
    whole = LeCam(start=0, decay=0.5)(given([1.0, 5.0, 6.0], [2.0, -4.0, 0.0]))
    torch.testing.assert_close((2 * first + second) / 3, whole)


def test_gradients_reach_the_logits_and_not_the_means():
    real = torch.tensor([[2.0]], requires_grad=True)
    lecam = LeCam(weight=1.0, decay=0.0, start=0)  # the means are those of the batch
    lecam(judgement(lambda x, y: x.squeeze(1), real, torch.tensor([[1.0]]))).backward()
    assert real.grad.item() == pytest.approx(2 * (2.0 - 1.0))
