"""Pictures of samples: drawing them as their data wants, grids of images, PNG files and animations.

Contract: a picture is a uint8 array with shape (H, W, 3); a file appears under its name complete or not at all.
"""

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL import Image

    from ganexp.data import Data

# Sides in pixels: small images are enlarged to about TILE, unless the grid would exceed GRID.
TILE = 64
GRID = 1600
GAP = 2
GAP_GREY = 96

# An animation of this many frames of this size opens at once everywhere.
FRAMES = 48
FRAME_SIDE = 600
COLOURS = 64


def draw(samples: Tensor, labels: Tensor | None, data: "Data") -> np.ndarray:
    """Draw samples in the way that suits their data.

    Arguments:
        samples: Decoded values with shape (N, *data.shape), on any device.
        labels: Classes with shape (N,), or None.
        data: The data set, whose `picture` says what its samples look like.

    Returns:
        A uint8 array with shape (H, W, 3).
    """
    return data.picture(samples.detach().float().cpu(), None if labels is None else labels.detach().cpu())


def image_grid(images: Tensor, value_range: tuple[float, float], columns: int | None = None) -> np.ndarray:
    """Lay images out row by row, small ones enlarged without smoothing.

    Arguments:
        images: Bytes, or floats in `value_range`, with shape (N, C, H, W); one channel is grey, three are RGB.
        value_range: Lowest and highest value of floats; values outside are clipped, NaN is drawn as the lowest.
        columns: Images in a row; by default as many as make the grid square.

    Returns:
        A uint8 array with shape (height, width, 3).
    """
    count, channels, height, width = images.shape
    if not count or channels not in (1, 3):
        raise ValueError(f"expected one or more images with 1 or 3 channels, not shape {tuple(images.shape)}")
    columns = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    scale = max(1, min(round(TILE / max(height, width)), GRID // (max(rows, columns) * max(height, width))))
    tiles = _bytes(images, value_range).expand(-1, 3, -1, -1)
    tiles = tiles.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    cell_height, cell_width = scale * height + GAP, scale * width + GAP
    cells = torch.full((rows * columns, 3, cell_height, cell_width), GAP_GREY, dtype=torch.uint8)
    cells[:count, :, GAP:, GAP:] = tiles
    grid = cells.view(rows, columns, 3, cell_height, cell_width).permute(0, 3, 1, 4, 2)
    grid = grid.reshape(rows * cell_height, columns * cell_width, 3)
    # Every cell brings the gap on its left and above; the last ones on the right and below are added here.
    return np.pad(grid.numpy(), ((0, GAP), (0, GAP), (0, 0)), constant_values=GAP_GREY)


def _bytes(images: Tensor, value_range: tuple[float, float]) -> Tensor:
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

    with _whole(Path(path)) as unfinished:
        Image.fromarray(picture).save(unfinished, format="PNG")


def save_gif(frames: Sequence[np.ndarray | str | Path], path: str | Path, seconds: float = 8.0) -> None:
    """Write pictures, or the picture files at some paths, as an endless animation; missing folders are made.

    Training changes most at its start, so the early frames stay longest; the last one is held for a quarter of the
    time. Of many frames an even selection is kept, the first and the last included; large ones are reduced.

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
    chosen = np.unique(np.linspace(0, len(frames) - 1, FRAMES).round().astype(int))
    images = [_open(frames[index]) for index in chosen]
    size = images[-1].size
    shrink = min(1.0, FRAME_SIDE / max(size))
    size = (max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink)))
    images = [image if image.size == size else image.resize(size) for image in images]
    # One palette for all frames keeps still regions identical, which is what makes the file small.
    palette = _palette(images)
    indexed = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    with _whole(Path(path)) as unfinished:
        indexed[0].save(
            unfinished,
            format="GIF",
            save_all=True,
            append_images=indexed[1:],
            duration=_durations(len(indexed), seconds),
            loop=0,
        )


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
    """Split the time among frames, in milliseconds: shorter and shorter, and the last one longest."""
    if count == 1:
        return [round(1000 * seconds)]
    weights = np.linspace(2, 1, count - 1)
    moving = 750 * seconds * weights / weights.sum()
    # The format counts hundredths of a second, and browsers slow down frames shorter than two of them.
    return [max(20, int(10 * round(value / 10))) for value in (*moving, 250 * seconds)]


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its place at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        # mkstemp makes files private; give it the rights that an ordinary new file has.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
