"""Picture files: PNG and animations.

Contract: a picture is a uint8 array with shape (H, W, 3); a file appears under its name complete or not at all.
"""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganexp.runs.files import whole_file

if TYPE_CHECKING:
    from PIL import Image

# An animation of this many frames of this size opens at once everywhere.
FRAMES = 48
FRAME_AREA = 600 * 600
COLOURS = 64


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
    which is held for a quarter of the time. Large ones are reduced. What is no picture is left out with a warning; without
    any picture, no animation is made.

    Arguments:
        frames: Pictures, oldest first.
        path: The file to write.
        seconds: Duration of the animation.

    Raises:
        OSError: The file cannot be written; one that was there before stays as it was.
    """
    from PIL import Image

    chosen = np.unique(np.square(np.linspace(0, math.sqrt(max(len(frames), 1) - 1), FRAMES)).round().astype(int))
    images = [image for index in chosen[: len(frames)] if (image := _open(frames[index])) is not None]
    if not images:
        return
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


def _open(frame: np.ndarray | str | Path) -> "Image.Image | None":
    from PIL import Image

    if isinstance(frame, np.ndarray):
        return Image.fromarray(frame)
    try:
        with Image.open(frame) as file:
            image: Image.Image = file.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow has no class for damage
        warnings.warn(f"{frame} cannot be read, so the animation is without it: {error}", RuntimeWarning, stacklevel=3)
        return None
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
