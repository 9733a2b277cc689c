import math

import numpy as np
import pytest
import torch

from ganexp.data import Grid, Ring
from ganexp.pictures.images import draw
from ganexp.pictures.scatter import Panel, Scatter


def test_points_appear_where_they_are_and_frames_do_not_mix() -> None:
    ring = Ring()
    empty = draw(torch.zeros(0, 2), None, ring)
    here = draw(torch.tensor([[0.5, 0.5]]), None, ring)
    assert (draw(torch.zeros(0, 2), None, ring) == empty).all()
    rows, columns = np.nonzero((here != empty).any(axis=2))
    left, right, bottom, top = ring.limits
    assert columns.mean() / 512 == pytest.approx(0.08 + 0.89 * (0.5 - left) / (right - left), abs=0.02)
    assert 1 - rows.mean() / 512 == pytest.approx(0.06 + 0.91 * (0.5 - bottom) / (top - bottom), abs=0.02)


@pytest.mark.parametrize("data", [Ring(), Grid()])
def test_points_are_coloured_by_class(data: Ring | Grid) -> None:
    points = torch.zeros(1, 2).add(data.sd * 20)
    pictures = {draw(points, torch.tensor([k]), data).tobytes() for k in range(data.num_classes)}
    assert len(pictures) == data.num_classes


def test_points_outside_are_mentioned() -> None:
    ring = Ring()
    empty = draw(torch.zeros(0, 2), None, ring)
    for stray in (1e30, math.inf, -math.inf, math.nan):
        picture = draw(torch.full((5, 2), stray), torch.arange(5), ring)
        assert (picture[:60] != empty[:60]).any() and (picture[60:] == empty[60:]).all()


def test_panels_stand_side_by_side_and_each_has_its_own_points() -> None:
    scatter = Scatter(lambda points: points[..., 0], (0, 1, 0, 1), 2, (Panel("one"), Panel("two", 1, 1)))
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
