"""Grids of images, with titles.

Contract: a picture is a uint8 array with shape (H, W, 3).
"""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL import ImageFont

# Sides in pixels: small images are enlarged to about TILE, or to WIDE_TILE under titles, unless the grid would exceed GRID.
TILE = 64
WIDE_TILE = 112
GRID = 1600
GAP = 2
GAP_GREY = 96

# Height of the letters of a title: a part of the image's height, in bounds between which it can be read; and the longest title
# beside a row, in widths of an image.
LETTERS = 0.25
SMALLEST, LARGEST = 10, 24
ROW_TITLE = 3
INK = 235


def image_grid(
    images: Tensor,
    value_range: tuple[float, float],
    columns: int | None = None,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> np.ndarray:
    """Lay images out row by row, small ones enlarged without smoothing.

    Arguments:
        images: Bytes, or floats in `value_range`, with shape (N, C, H, W); see :func:`coloured`.
        value_range: Lowest and highest value of floats; values outside are clipped, NaN is drawn as the lowest.
        columns: Images in a row; by default as many as make the grid square.
        titles: What is written above each image, N texts, or none.
        row_titles: What is written at the start of each row, or none.

    Returns:
        A uint8 array with shape (height, width, 3).
    """
    count, channels, height, width = images.shape
    if not count or not channels:
        raise ValueError(f"expected one or more images with channels, not shape {tuple(images.shape)}")
    columns = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    longest, tile = max(height, width), WIDE_TILE if titles else TILE
    scale = max(1, min(round(tile / longest), GRID // (max(rows, columns) * longest)))
    tiles = coloured(to_bytes(images, value_range))
    tiles = tiles.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    height, width = scale * height, scale * width
    letters = min(max(SMALLEST, round(LETTERS * height)), LARGEST)
    top = GAP + (round(1.4 * letters) if titles else 0)
    cell_height, cell_width = top + height, GAP + width
    cells = torch.full((rows * columns, 3, cell_height, cell_width), GAP_GREY, dtype=torch.uint8)
    cells[:count, :, top:, GAP:] = tiles
    grid = cells.view(rows, columns, 3, cell_height, cell_width).permute(0, 3, 1, 4, 2)
    grid = grid.reshape(rows * cell_height, columns * cell_width, 3)
    # Every cell brings the gap on its left and above; the last ones on the right and below are added here.
    picture = np.pad(grid.numpy(), ((0, GAP), (0, GAP), (0, 0)), constant_values=GAP_GREY)
    if titles:
        corners = [(k % columns * cell_width, k // columns * cell_height) for k in range(count)]
        picture = _write(picture, titles, [(x + GAP + width / 2, y + top / 2) for x, y in corners], letters, width, "mm")
    if row_titles:
        room = min(ROW_TITLE * width, max(map(_font(letters).getlength, row_titles)))
        margin = math.ceil(room) + 2 * letters
        picture = np.pad(picture, ((0, 0), (margin, 0), (0, 0)), constant_values=GAP_GREY)
        places = [(margin - letters, row * cell_height + top + height / 2) for row in range(rows)]
        picture = _write(picture, row_titles, places, letters, room, "rm")
    return picture


def fewest_gaps(count: int) -> int:
    """Return the columns, between once and twice a square's, of the grid that `count` images fill best: 5 for 10."""
    square = math.ceil(math.sqrt(count))
    return min(range(square, 2 * square + 1), key=lambda columns: -count % columns)


def _write(
    picture: np.ndarray, texts: Sequence[str], places: Sequence[tuple[float, float]], letters: int, width: float, anchor: str
) -> np.ndarray:
    """Write texts at anchors in letters that are as large as given, or smaller so that the longest fits; else it is cut off."""
    from PIL import Image, ImageDraw

    longest = max(map(_font(letters).getlength, texts))
    font = _font(max(SMALLEST, min(letters, int(letters * width / max(longest, 1)))))
    image = Image.fromarray(picture)
    canvas = ImageDraw.Draw(image)
    for text, place in zip(texts, places, strict=True):
        cuts = (text, *(f"{text[:k]}…" for k in reversed(range(len(text)))))
        fitting = next((cut for cut in cuts if font.getlength(cut) <= width + 1), "")
        canvas.text(place, fitting, fill=(INK, INK, INK), font=font, anchor=anchor)
    return np.asarray(image)


@cache
def _font(size: int) -> "ImageFont.FreeTypeFont":
    # Matplotlib's own, which is there wherever matplotlib is and knows more alphabets than Pillow's.
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def coloured(images: Tensor) -> Tensor:
    """Return bytes with shape (N, C, H, W) as they are shown, with shape (N, 3, H, W).

    One channel is grey, three are red, green and blue. A fourth is opacity, over the grey of the gaps. Of two channels, and of
    more than four, the first ones are red, green and blue, where they are.
    """
    channels = images.shape[1]
    if channels == 1:
        return images.expand(-1, 3, -1, -1)
    if channels == 4:
        opacity = images[:, 3:].float() / 255
        return (images[:, :3] * opacity + GAP_GREY * (1 - opacity)).round().to(torch.uint8)
    shown = images[:, :3]
    return torch.cat([shown, shown.new_zeros(len(shown), 3 - shown.shape[1], *shown.shape[2:])], 1)


def to_bytes(images: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Turn floats in `value_range` into bytes, of any shape; values outside are clipped, NaN is the lowest; bytes stay."""
    if images.dtype == torch.uint8:
        return images
    low, high = value_range
    unit = (images.nan_to_num(nan=low, posinf=high, neginf=low) - low) / (high - low)
    return unit.mul(255).round().clamp(0, 255).to(torch.uint8)
