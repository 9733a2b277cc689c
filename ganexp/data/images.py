"""Images, stored as uint8 and decoded per batch.

Contract: the byte b stands for low + (high - low) * b / 255, where (low, high) is the value range; what `Images.load` returns
has the shape that was known at construction.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import final

import torch
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.data.base import Data, Split, StreamOptions

Size = PositiveInt | tuple[PositiveInt, PositiveInt]
"""The side of a square in pixels, or height and width."""


class ImageOptions(StreamOptions, total=False):
    """Options of every data set of images.

    Attributes:
        value_range: Range of decoded values, (-1, 1) or (0, 1); (-1, 1).
        subset: How many training images to use, the first ones; None: all.
        size: Side in pixels, or height and width, to which the images are resized, bicubic and antialiased, after what is too
            wide or too high for that aspect is cut off on both sides; None: they stay as they are.
        flip: Whether the training images are there mirrored, too, left to right, which takes twice the memory; false.
    """

    value_range: tuple[float, float]
    subset: PositiveInt | None
    size: Size | None
    flip: bool


class Images(Data):
    """Images with shape (C, H, W) in memory as bytes.

    Arguments:
        value_range: See :class:`ImageOptions`.
        subset: See :class:`ImageOptions`.
        size: See :class:`ImageOptions`.
        flip: See :class:`ImageOptions`.
        stream: See :class:`ganexp.data.StreamOptions`.

    Attributes:
        count: Training images, where their number is known before they are read; else 0.
        layers: The data set that each channel shows an image of, where the channels are images of their own; else None.
    """

    few = 1000
    evaluations = 20
    value_range: tuple[float, float]
    count: int = 0
    layers: "Images | None" = None

    def __init__(
        self,
        *,
        value_range: tuple[float, float] = (-1, 1),
        subset: PositiveInt | None = None,
        size: Size | None = None,
        flip: bool = False,
        **stream: Unpack[StreamOptions],
    ) -> None:
        super().__init__(**stream)
        low, high = value_range
        if (low, high) not in ((-1, 1), (0, 1)):
            raise ConfigError("the range of image values is [-1, 1] or [0, 1]", "data.value_range")
        self.value_range = (float(low), float(high))
        self.subset = subset
        self.flip = flip
        if size is not None:
            self.shape = (self.shape[0], *sides(size))

    @abstractmethod
    def read(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Return all images (uint8, (N, C, H, W), in any one size), and int64 labels with shape (N,) or None."""

    @final
    def load(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Return the images (uint8, (N, *shape)), of the training split the subset, and labels (int64, (N,)) or None.

        Raises:
            ConfigError: The subset is larger than the training split, or the images cannot be read.
        """
        images, labels = self.read(split)
        if split == "train" and self.subset is not None:
            if self.subset > len(images):
                raise ConfigError(f"there are only {len(images):,} training images", "data.subset")
            images, labels = images[: self.subset], None if labels is None else labels[: self.subset]
        if images.shape[2:] != self.shape[1:]:
            left, top, right, bottom = centred((images.shape[3], images.shape[2]), self.shape[:0:-1])
            cut = images[:, :, top:bottom, left:right]
            images = torch.nn.functional.interpolate(cut, self.shape[1:], mode="bicubic", antialias=True)
        if split == "train" and self.flip:
            images, labels = torch.cat([images, images.flip(-1)]), None if labels is None else torch.cat([labels, labels])
        return images, labels

    def decode(self, raw: Tensor) -> Tensor:
        """Map bytes to float32 in `value_range`."""
        low, high = self.value_range
        # In place on the fresh copy: twice as fast as a lookup table.
        return raw.to(torch.float32).mul_((high - low) / 255).add_(low)

    def encode(self, samples: Tensor) -> Tensor:
        """Round to the nearest byte; values outside `value_range` are clipped, those that are no numbers become the lowest."""
        low, high = self.value_range
        return samples.float().sub(low).mul_(255 / (high - low)).nan_to_num_(0.0).round_().clamp_(0, 255).to(torch.uint8)

    @property
    def memory(self) -> int:
        """The images, in their size."""
        return min(self.count, self.subset or self.count) * math.prod(self.shape) * (1 + self.flip)

    def whole(self) -> "Images":
        """Return the images with the whole training split."""
        if self.subset is None:
            return self
        whole = copy(self)
        whole.subset = None
        whole.__dict__.pop("fingerprint", None)
        return whole


def sides(size: Size) -> tuple[int, int]:
    """Return height and width."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def centred(size: Sequence[int], aspect: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the largest centred part of an image with a given aspect.

    Arguments:
        size: Width and height of the image.
        aspect: Width and height, of which only the ratio counts.

    Returns:
        Its left, upper, right and lower edge, in pixels.
    """
    (width, height), (wide, high) = size, aspect
    if width * high > height * wide:
        width = max(round(height * wide / high), 1)
    else:
        height = max(round(width * high / wide), 1)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


class Digits(Images):
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn; needs no download.

    Every fifth image of each class is held out for testing.

    References:
        Optical Recognition of Handwritten Digits (Alpaydin & Kaynak, 1998)
        https://archive.ics.uci.edu/dataset/80
    """

    shape = (1, 8, 8)
    num_classes = 10
    class_names = tuple(str(digit) for digit in range(10))

    def read(self, split: Split) -> tuple[Tensor, Tensor]:
        """Read the images (uint8, (N, 1, 8, 8)) and their digits (int64, (N,)) from the installed package."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = torch.from_numpy(bunch.images).mul_(255 / 16).round_().to(torch.uint8).unsqueeze(1)
        labels = torch.from_numpy(bunch.target).to(torch.int64)
        rank_in_class = torch.nn.functional.one_hot(labels).cumsum(0).gather(1, labels[:, None]).squeeze(1)
        chosen = (rank_in_class % 5 == 0) == (split == "test")
        return images[chosen], labels[chosen]
