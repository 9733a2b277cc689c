import math

import numpy as np
import pytest
import torch

from ganexp.data import Grid, Ring
from ganexp.pictures import draw


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
