import numpy as np
import pytest
import torch

from ganexp.pictures import Panel, Scatter


def test_panels_stand_side_by_side_and_each_has_its_own_points() -> None:
    scatter = Scatter((0, 1, 0, 1), 2, torch.rand(64, 64), (Panel("one"), Panel("two", 1, 1)))
    none, left, middle = torch.zeros(0, 2), torch.tensor([[0.2, 0.5]]), torch.tensor([[0.5, 0.5]])
    empty = scatter((none, None), (none, None))
    assert empty.shape == (408, 768, 3)
    for panel in (0, 1):
        clouds = [(none, None), (none, None)]
        clouds[panel] = (middle, None)
        rows, columns = np.nonzero((scatter(*clouds) != empty).any(axis=2))
        assert columns.mean() / 384 == pytest.approx(panel + 0.08 + 0.89 / 2, abs=0.02)
        assert rows.mean() == pytest.approx(24 + 384 * (0.03 + 0.91 / 2), abs=8)
    assert (scatter((left, torch.tensor([0])), (none, None)) != scatter((left, torch.tensor([1])), (none, None))).any()
    assert (scatter((none, None), (none, None)) == empty).all(), "frames do not mix"
    with pytest.raises(ValueError):
        scatter((none, None))
