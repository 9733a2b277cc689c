"""Pictures of samples: drawing them as their data wants, grids of images with their titles, PNG files and animations.

Contract: a picture is a uint8 array with shape (H, W, 3); a file appears under its name complete or not at all.
"""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganexp.runs.files import whole_file

if TYPE_CHECKING:
    from PIL import Image, ImageFont

    from ganexp.data import Data

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

# An animation of this many frames of this size opens at once everywhere.
FRAMES = 48
FRAME_AREA = 600 * 600
COLOURS = 64


class Layout(NamedTuple):
    """How images stand in their picture; points, which have places of their own, need none.

    Attributes:
        columns: Images in a row; None leaves it to the data.
        titles: What is written above each image, N texts, or none.
        row_titles: What is written at the start of each row, or none.
    """

    columns: int | None = None
    titles: Sequence[str] = ()
    row_titles: Sequence[str] = ()


PLAIN = Layout()


def draw(
    samples: Tensor,
    labels: Tensor | None,
    data: "Data",
    columns: int | None = None,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> np.ndarray:
    """Draw samples in the way that suits their data.

    Arguments:
        samples: Decoded values with shape (N, *data.shape), on any device.
        labels: Classes with shape (N,), or None.
        data: The data set, whose `picture` says what its samples look like.
        columns: Like the next two, a part of the :class:`Layout`.
        titles: Above each image.
        row_titles: At the start of each row.

    Returns:
        A uint8 array with shape (H, W, 3).
    """
    samples, labels = samples.detach().float().cpu(), None if labels is None else labels.detach().cpu()
    return data.picture(samples, labels, Layout(columns, titles, row_titles))


def image_grid(
    images: Tensor,
    value_range: tuple[float, float],
    columns: int | None = None,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> np.ndarray:
    """Lay images out row by row, small ones enlarged without smoothing.

    Arguments:
        images: Bytes, or floats in `value_range`, with shape (N, C, H, W); one channel is grey, three are RGB.
        value_range: Lowest and highest value of floats; values outside are clipped, NaN is drawn as the lowest.
        columns: Images in a row; by default as many as make the grid square.
        titles: What is written above each image, N texts, or none.
        row_titles: What is written at the start of each row, or none.

    Returns:
        A uint8 array with shape (height, width, 3).
    """
    count, channels, height, width = images.shape
    if not count or channels not in (1, 3):
        raise ValueError(f"expected one or more images with 1 or 3 channels, not shape {tuple(images.shape)}")
    columns = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    longest, tile = max(height, width), WIDE_TILE if titles else TILE
    scale = max(1, min(round(tile / longest), GRID // (max(rows, columns) * longest)))
    tiles = to_bytes(images, value_range).expand(-1, 3, -1, -1)
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


def to_bytes(images: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Turn floats in `value_range` into bytes, of any shape; values outside are clipped, NaN is the lowest; bytes stay."""
    if images.dtype == torch.uint8:
        return images
    low, high = value_range
    unit = (images.nan_to_num(nan=low, posinf=high, neginf=low) - low) / (high - low)
    return unit.mul(255).round().clamp(0, 255).to(torch.uint8)


def save_png(picture: np.ndarray, path: str | Path) -> None:
    """Write a uint8 array with shape (H, W, 3) as a PNG file; missing folders are made.

    Raises:
        OSError: The file cannot be written; one that was there before stays as it was.
    """
    from PIL import Image

    with whole_file(Path(path)) as file:
        Image.fromarray(picture).save(file, format="PNG")


def save_gif(frames: Sequence[np.ndarray | str | Path], path: str | Path, seconds: float = 8.0) -> None:
    """Write pictures, or the picture files at some paths, as an endless animation; missing folders are made.

    Training changes most at its start, so of many frames (more than half of FRAMES) a selection is kept that thins towards the
    end: their places grow like the square of their number, from the first to the last. All stay equally long but the last one,
    which is held for a quarter of the time. Large ones are reduced.

    Arguments:
        frames: One or more pictures, oldest first.
        path: The file to write.
        seconds: Duration of the animation.

    Raises:
        OSError: The file cannot be written, or a frame cannot be read; a file that was there before stays as it was.
    """
    from PIL import Image

    if not len(frames):
        raise ValueError("an animation needs at least one frame")
    chosen = np.unique(np.square(np.linspace(0, math.sqrt(len(frames) - 1), FRAMES)).round().astype(int))
    images = [_open(frames[index]) for index in chosen]
    size = images[-1].size
    shrink = min(1.0, math.sqrt(FRAME_AREA / math.prod(size)))
    size = (max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink)))
    images = [image if image.size == size else image.resize(size) for image in images]
    # One palette for all frames keeps still regions identical, which is what makes the file small.
    palette = _palette(images)
    indexed = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    with whole_file(Path(path)) as file:
        durations = _durations(len(indexed), seconds)
        indexed[0].save(file, format="GIF", save_all=True, append_images=indexed[1:], duration=durations, loop=0)


def _open(frame: np.ndarray | str | Path) -> "Image.Image":
    from PIL import Image

    if isinstance(frame, np.ndarray):
        return Image.fromarray(frame)
    with Image.open(frame) as file:
        image: Image.Image = file.convert("RGB")
    return image


def _palette(images: Sequence["Image.Image"]) -> "Image.Image":
    """Find the colours of all pictures together, from every fourth pixel of every fourth row."""
    from PIL import Image

    few = [np.asarray(image)[::4, ::4] for image in images]
    return Image.fromarray(np.concatenate(few)).quantize(COLOURS)


def _durations(count: int, seconds: float) -> list[int]:
    """Split the time among frames, in milliseconds: equally, but for the last one."""
    if count == 1:
        return [round(1000 * seconds)]
    moving = [750 * seconds / (count - 1)] * (count - 1)
    # The format counts hundredths of a second, and browsers slow down frames shorter than two of them.
    return [max(20, int(10 * round(value / 10))) for value in (*moving, 250 * seconds)]
