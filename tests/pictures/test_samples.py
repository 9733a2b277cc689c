import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganexp.data import Density, Digits, Grid, Points, Ring, Split
from ganexp.pictures import draw, image_grid


def test_images_stand_on_a_grid() -> None:
    digits = Digits()
    images = torch.rand(4, 1, 8, 8, requires_grad=True)
    assert (draw(digits, images) == image_grid(images.detach(), (-1, 1))).all()
    by_class = draw(digits, images, torch.tensor([0, 0, 1, 1]))
    assert (by_class == image_grid(images.detach(), (-1, 1), columns=2)).all()
    assert draw(digits, images, columns=1, row_titles="abcd").shape[0] > draw(digits, images).shape[0]


class Cloud(Points):
    """Points of which nothing is declared."""

    def load(self, split: Split) -> tuple[Tensor, None]:
        return torch.rand(50, 2, generator=torch.Generator().manual_seed(0)) + 10, None


def test_points_without_a_density_are_drawn_where_the_data_lies() -> None:
    data = Cloud()
    empty, here = draw(data, torch.zeros(0, 2)), draw(data, torch.full((1, 2), 10.5, requires_grad=True))
    assert empty.shape == here.shape == (512, 512, 3)
    rows, columns = np.nonzero((here != empty).any(2))
    assert abs(rows.mean() - 256) < 40 and abs(columns.mean() - 256) < 40
    assert (empty[100:400, 100:400] == 255).all()


def test_a_copy_of_the_data_gives_the_same_picture() -> None:
    data = Density("letters", size=300)
    picture = draw(data, *data.load("train"))
    assert (draw(copy.deepcopy(data), *data.load("train")) == picture).all()


def test_points_appear_where_they_are_and_frames_do_not_mix() -> None:
    ring = Ring()
    empty = draw(ring, torch.zeros(0, 2))
    here = draw(ring, torch.tensor([[0.5, 0.5]]))
    assert (draw(ring, torch.zeros(0, 2)) == empty).all()
    rows, columns = np.nonzero((here != empty).any(axis=2))
    left, right, bottom, top = ring.limits
    assert columns.mean() / 512 == pytest.approx(0.08 + 0.89 * (0.5 - left) / (right - left), abs=0.02)
    assert 1 - rows.mean() / 512 == pytest.approx(0.06 + 0.91 * (0.5 - bottom) / (top - bottom), abs=0.02)


@pytest.mark.parametrize("data", [Ring(), Grid()])
def test_points_are_coloured_by_class(data: Ring | Grid) -> None:
    points = torch.zeros(1, 2).add(data.sd * 20)
    pictures = {draw(data, points, torch.tensor([k])).tobytes() for k in range(data.num_classes)}
    assert len(pictures) == data.num_classes


def test_points_outside_are_mentioned() -> None:
    ring = Ring()
    empty = draw(ring, torch.zeros(0, 2))
    for stray in (1e30, math.inf, -math.inf, math.nan):
        picture = draw(ring, torch.full((5, 2), stray), torch.arange(5))
        assert (picture[:60] != empty[:60]).any() and (picture[60:] == empty[60:]).all()


def test_a_picture_shows_target_real_and_generated_points() -> None:
    data = Density("two_blobs_classes", size=500)
    x, y = data.load("train")
    assert y is not None
    nothing, some, coloured = draw(data, x[:0]), draw(data, x[:50]), draw(data, x[:50], y[:50])
    assert nothing.shape == some.shape == (408, 1152, 3)
    target, real, generated = np.split(some, 3, axis=1)
    assert (target == nothing[:, :384]).all()
    for panel, before, after in (
        (real, nothing[:, 384:768], coloured[:, 384:768]),
        (generated, nothing[:, 768:], coloured[:, 768:]),
    ):
        assert (panel != before).any(), "points are drawn"
        assert (panel != after).any(), "they are coloured by class"
    points, classes = data.load("test")
    assert classes is not None
    for labels in (None, classes[:50]):
        _, real, generated = np.split(draw(data, points[:50], labels), 3, axis=1)
        # Edges of dots may fall on either side of a pixel; other points differ in over a thousand.
        assert (real[30:] != generated[30:]).any(2).sum() < 400


def test_a_picture_looks_like_its_target(tmp_path: Path) -> None:
    values = np.zeros((30, 60), np.uint8)
    values[:15, :30] = 255
    Image.fromarray(values).save(tmp_path / "a.png")
    picture = draw(Density(str(tmp_path / "a.png"), size=10), torch.zeros(0, 2))
    panel = picture[24 + 12 : -24, 31:372].astype(int).sum(2)
    rows, columns = np.nonzero(panel < 300)  # dark
    assert rows.mean() < 0.3 * len(panel) and columns.mean() < 0.3 * panel.shape[1]
    assert len(rows) / panel.size == pytest.approx(0.25, abs=0.03)


def test_points_outside_are_mentioned_in_their_own_panel() -> None:
    data = Density("two_blobs", size=10)
    nothing, strays = draw(data, torch.zeros(5, 2)), draw(data, torch.full((5, 2), torch.nan))
    changed = np.nonzero((nothing != strays).any(2))
    assert changed[1].min() > 768 and (changed[0] < 70).any()
