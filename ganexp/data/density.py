"""Points drawn from pictures: brightness is density.

Contract: with a_k(x) the brightness of picture k at a point x of the unit square, constant within each pixel, and m_k its
mean, the points of class k have the density a_k / m_k, and all points together

    p(x) = sum_k a_k(x) / sum_k m_k,

so that classes are sampled in proportion to the masses m_k, whatever the sizes of their pictures. Row 0 of a picture is the
top of the square. Samples are a function of the constructor's arguments (and the pictures) alone.
"""

import os
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.config.types import PositiveInt
from ganexp.data.base import SEEDS, Split, StreamOptions, digest
from ganexp.data.points import Limits, Points

if TYPE_CHECKING:
    from PIL import Image

# Pictures that come with the package: files, and folders with a file per class.
EXAMPLES = Path(__file__).parent / "densities"

# What counts as a picture in a folder; other files there are notes. A single file may be anything that can be read.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")


class Density(Points):
    """Points whose density is the brightness of a picture, or of several pictures with a class each.

    Pictures of every kind are read as grey: a coloured pixel has the brightness 0.299 R + 0.587 G + 0.114 B. Transparency
    is composed over black: where nothing can be seen, there is no mass. A rotation noted in the file is respected. White is
    1 in every format, so that the depth of a picture does not change its mass.

    Arguments:
        path: A picture; a folder of pictures, one class each, named and sorted as the files without their endings; or the
            name of an example that comes with the package (write ./NAME for a file of your own with such a name). A relative
            path starts at the working directory.
        size: Number of points in each split.
        stream: See :class:`ganexp.data.StreamOptions`.

    Raises:
        ConfigError: The path does not exist, or its folder holds no picture or two with the same name.
    """

    value_range = (0.0, 1.0)
    beside_real = True

    def __init__(
        self,
        path: Annotated[str, Field(min_length=1)] = "two_blobs",
        size: PositiveInt = 1_000_000,
        **stream: Unpack[StreamOptions],
    ) -> None:
        super().__init__(**stream)
        self.files = _find(path)
        self.size = size
        if len(self.files) > 1:
            self.num_classes = len(self.files)
            self.class_names = tuple(file.stem for file in self.files)

    def prepare(self) -> None:
        """Read the pictures.

        Raises:
            ConfigError: One cannot be read, or has no mass.
        """
        _ = self._pictures

    @cached_property
    def class_weights(self) -> tuple[float, ...] | None:  # type: ignore[override] # mypy takes it for read-only
        """Share of each class in the mass of all; None for a single picture."""
        masses = torch.stack([picture.mean() for picture in self._pictures])
        return tuple((masses / masses.sum()).tolist()) if self.num_classes else None

    @property
    def memory(self) -> int:
        """Random numbers, pixels and their classes, coordinates."""
        return 64 * self.size

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the pictures and the number of points."""
        return digest(type(self).__name__, *self._pictures, f"{self.size}")

    def load(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Draw the points (float32, (size, 2)) and, from several pictures, their classes (int64, (size,)).

        A pixel is chosen in proportion to its value, by inverting the cumulative sum over all pixels of all pictures; the
        point is uniform within it.
        """
        pictures = self._pictures
        shapes = torch.tensor([picture.shape for picture in pictures])
        first = shapes.prod(1).cumsum(0) - shapes.prod(1)
        cumulative = torch.cat([picture.flatten() / picture.numel() for picture in pictures]).cumsum(0)
        generator = torch.Generator().manual_seed(SEEDS[split])
        u, right, up = torch.rand(3, self.size, dtype=torch.float64, generator=generator)
        # The first pixel whose sum is above u: never one without mass, which adds nothing to the sum before it.
        pixel = torch.searchsorted(cumulative, u * cumulative[-1], right=True)
        labels = torch.searchsorted(first, pixel, right=True) - 1
        height, width = shapes[labels].unbind(1)
        row, column = (pixel - first[labels]).div(width, rounding_mode="floor"), (pixel - first[labels]) % width
        points = torch.stack([_within(column, right, width), _within(row, up, height)], dim=1)
        return points, labels if self.num_classes else None

    def density(self, points: Tensor) -> Tensor:
        """Evaluate p(x), over all classes, at points with shape (*, 2); returns float32 with shape (*), 0 off the square."""
        # On the CPU, because some devices know no float64, which tells which pixel a point is in.
        x, y = points.detach().cpu().double().unbind(-1)
        inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
        x, y = x.where(inside, 0.0), y.where(inside, 0.0)
        values = torch.zeros_like(x)
        for picture in self._pictures:
            height, width = picture.shape
            values += picture[(y * height).long().clamp(max=height - 1), (x * width).long().clamp(max=width - 1)]
        total = sum(float(picture.mean()) for picture in self._pictures)
        return (values.where(inside, 0.0) / total).to(points.device, torch.float32)

    def level(self, mass: float) -> float:
        """Return the largest density t for which the region where p(x) >= t holds at least this share of the mass.

        That is the region of highest density: no smaller one of whole pixels holds as much, but for pixels whose density is
        t itself, which all belong to it; where these are many, as in pictures of two colours, it holds more.
        """
        values, cumulative = self._ranked
        return float(values[torch.searchsorted(cumulative, mass * cumulative[-1])])

    @cached_property
    def _ranked(self) -> tuple[Tensor, Tensor]:
        """Densities of the pieces of the square on which p is constant, highest first, and the mass down to each."""
        ys, xs = (_borders(counts) for counts in zip(*(picture.shape for picture in self._pictures), strict=True))
        middles = torch.meshgrid((xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2, indexing="xy")
        values, order = self.density(torch.stack(middles, dim=-1)).flatten().sort(descending=True)
        areas = torch.outer(ys.diff(), xs.diff()).flatten()
        return values, (values * areas[order]).cumsum(0)

    @property
    def limits(self) -> Limits:
        """The unit square."""
        return 0.0, 1.0, 0.0, 1.0

    @cached_property
    def _pictures(self) -> tuple[Tensor, ...]:
        """Values with shape (H, W), float64, the lowest row first."""
        return tuple(_read(file) for file in self.files)


def _find(path: str) -> tuple[Path, ...]:
    """Return the pictures that a path or the name of an example stands for, in the order of the classes."""
    examples = {entry.stem: entry for entry in sorted(EXAMPLES.iterdir())}
    found = examples.get(path) or user_path(path).absolute()
    if not os.path.exists(found):
        meant = near_miss(path, examples)
        hint = f"{f'did you mean data.path={meant}? ' if meant else ''}the examples are {', '.join(examples)}"
        raise ConfigError(f"no such picture, folder or example: {found}", "data.path", hint=hint)
    if not found.is_dir():
        return (found,)
    try:
        entries = [file for file in found.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    except OSError as error:
        raise ConfigError(f"{found} cannot be read: {error.strerror}", "data.path") from error
    files = sorted(entries, key=lambda file: (file.stem, file.suffix))
    if not files:
        raise ConfigError(f"{found} holds no pictures", "data.path", hint=f"suffixes: {', '.join(SUFFIXES)}")
    for one, other in pairwise(files):
        if one.stem == other.stem:
            raise ConfigError(f"{one.name} and {other.name} would be classes of the same name", "data.path", hint="rename one")
    return tuple(files)


def _read(file: Path) -> Tensor:
    """Read the brightness of a picture.

    Raises:
        ConfigError: It cannot be read, or has no mass.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            values = _brightness(ImageOps.exif_transpose(opened))
    except Exception as error:  # whatever the damage provokes in a parser
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ConfigError(f"{file} cannot be read as a picture: {reason}", "data.path") from error
    if not np.isfinite(values).all() or values.min() < 0:
        raise ConfigError(f"{file} has values that are negative or not finite", "data.path")
    if not values.any():
        raise ConfigError(f"{file} is entirely black, so it has no mass", "data.path", hint="points lie where it is bright")
    return torch.from_numpy(values[::-1].copy())


def _brightness(image: "Image.Image") -> np.ndarray:
    """Return float64 values with shape (H, W): 0 is black or transparent, 1 white."""
    if image.mode == "F":
        return np.asarray(image, dtype=np.float64)
    if image.mode.startswith("I"):  # 16 bits
        return np.asarray(image, dtype=np.float64) / 65535
    red, green, blue, alpha = np.moveaxis(np.asarray(image.convert("RGBA"), dtype=np.float64), -1, 0)
    # Sums of whole numbers, which are exact: grey is the same as grey in colour.
    return (299 * red + 587 * green + 114 * blue) / 1000 * (alpha / 255) / 255


def _within(index: Tensor, offset: Tensor, count: Tensor) -> Tensor:
    """Return coordinates in the intervals with these indices, of `count` that divide [0, 1], as float32."""
    x = ((index + offset) / count).float()
    # Rounding may carry a point over the border, where there may be no mass.
    return torch.where((x.double() * count).long() == index, x, ((index + 0.5) / count).float())


def _borders(counts: Iterable[int]) -> Tensor:
    """Return all borders of grids that divide [0, 1] into so many intervals each, in ascending order."""
    return torch.cat([torch.arange(count + 1, dtype=torch.float64) / count for count in set(counts)]).unique()
