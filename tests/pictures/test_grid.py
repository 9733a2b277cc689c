import math

import numpy as np
import pytest
import torch

from ganexp.pictures import GAP_GREY, coloured, fewest_gaps, image_grid


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_shows_every_image_in_order(channels: int) -> None:
    images = torch.arange(6, dtype=torch.uint8).mul(40).view(6, 1, 1, 1).expand(6, channels, 8, 8)
    picture = image_grid(images, (-1, 1), columns=3)
    height, width, _ = picture.shape
    assert width > height
    centres = picture[[height // 4, 3 * height // 4]][:, [width // 6, width // 2, 5 * width // 6]]
    assert centres.reshape(6, 3).tolist() == [[40 * k] * 3 for k in range(6)]


def test_small_images_are_enlarged_and_large_grids_stay_bounded() -> None:
    assert image_grid(torch.zeros(1, 1, 8, 8), (0, 1)).shape[0] >= 64
    assert max(image_grid(torch.zeros(900, 1, 8, 8), (0, 1)).shape) < 2000
    assert image_grid(torch.zeros(1, 3, 100, 50), (0, 1)).shape[0] >= 100


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0)])
def test_floats_are_drawn_over_their_range(low: float, high: float) -> None:
    values = torch.tensor([low, (low + high) / 2, high, low - 5, high + 5, math.nan, math.inf, -math.inf])
    picture = image_grid(values.view(8, 1, 1, 1).expand(8, 1, 8, 8), (low, high), columns=8)
    middle = picture[len(picture) // 2, [(2 * k + 1) * picture.shape[1] // 16 for k in range(8)], 0]
    assert middle.tolist() == [0, 128, 255, 0, 255, 0, 255, 0]


def test_what_is_no_images_is_refused() -> None:
    for shape in ((0, 1, 8, 8), (1, 0, 8, 8)):
        with pytest.raises(ValueError, match="one or more"):
            image_grid(torch.zeros(shape), (0, 1))


@pytest.mark.parametrize(
    ("pixel", "shown"),
    [
        ([10], [10, 10, 10]), ([10, 20], [10, 20, 0]), ([10, 20, 30], [10, 20, 30]), ([10, 20, 30, 255], [10, 20, 30]),
        ([10, 20, 30, 0], [GAP_GREY] * 3), ([10, 20, 30, 40, 50], [10, 20, 30]),
    ],
)  # fmt: skip
def test_every_number_of_channels_has_colours(pixel: list[int], shown: list[int]) -> None:
    images = torch.tensor(pixel, dtype=torch.uint8).view(1, -1, 1, 1).expand(1, -1, 6, 8)
    assert coloured(images)[0, :, 0, 0].tolist() == shown
    assert image_grid(images, (0, 1))[10, 10].tolist() == shown


NAMES = ("airplane", "automobile", "b")


@pytest.mark.parametrize("side", [8, 28, 64])
def test_titles_stand_above_their_images(side: int) -> None:
    images = torch.zeros(3, 3, side, side)
    picture = image_grid(images, (0, 1), columns=3, titles=NAMES)
    height, width, _ = picture.shape
    ink = (picture > 150).any(2)
    assert ink[: height // 3].any() and not ink[height // 3 :].any()
    thirds = [ink[:, k * width // 3 : (k + 1) * width // 3].any(0) for k in range(3)]
    spans = [int(np.ptp(np.flatnonzero(third))) for third in thirds]
    assert spans[1] > spans[0] > spans[2]
    assert not ink[:, [0, width // 3, 2 * width // 3, -1]].any(), "no title runs into the next"


@pytest.mark.parametrize("side", [8, 28, 64])
def test_row_titles_stand_beside_their_rows(side: int) -> None:
    images = torch.zeros(6, 1, side, side)
    plain = image_grid(images, (0, 1), columns=2)
    picture = image_grid(images, (0, 1), columns=2, row_titles=NAMES)
    margin = picture.shape[1] - plain.shape[1]
    assert (picture[:, margin:] == plain).all()
    ink = (picture[:, :margin] > 150).any(2)
    rows = np.array_split(ink, 3)
    assert all(row.any() and not row[[0, -1]].any() for row in rows) and not ink[:, [0, -1]].any()


def test_titles_that_are_too_long_are_cut_off() -> None:
    images = torch.zeros(2, 1, 8, 8)
    endless, longer = ["x" * 500, "b"], ["x" * 600, "b"]
    assert (image_grid(images, (0, 1), titles=endless) == image_grid(images, (0, 1), titles=longer)).all()
    assert image_grid(images, (0, 1), columns=1, row_titles=endless).shape[1] < 400


def test_titles_must_be_as_many_as_what_they_name() -> None:
    with pytest.raises(ValueError, match="zip"):
        image_grid(torch.zeros(3, 1, 8, 8), (0, 1), titles=("a", "b"))
    with pytest.raises(ValueError, match="zip"):
        image_grid(torch.zeros(3, 1, 8, 8), (0, 1), columns=1, row_titles=("a", "b"))


def test_a_compact_grid_has_few_gaps() -> None:
    for count in range(1, 101):
        columns, square = fewest_gaps(count), math.ceil(math.sqrt(count))
        assert square <= columns <= 2 * square
        assert -count % columns <= -count % square
    assert [fewest_gaps(count) for count in (1, 4, 10, 12, 100)] == [1, 2, 5, 4, 10]
