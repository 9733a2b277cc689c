"""Images, stored as uint8 and decoded per batch.

Contract: the byte b stands for low + (high - low) * b / 255, where (low, high) is the value range; what `Images.load` returns
has the shape that was known at construction.
"""

from abc import abstractmethod
from copy import copy
from functools import cached_property
from typing import final

import numpy as np
import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.data.base import SPLITS, Data, Split, digest
from ganexp.pictures.images import PLAIN, Layout, image_grid


class Images(Data):
    """Images with shape (C, H, W) in memory as bytes.

    Arguments:
        value_range: Range of decoded values, (-1, 1) or (0, 1).
        batch_size: Images per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
        subset: How many training images to use, the first ones; by default all.
        size: Side in pixels to which the images are resized; by default they stay as they are.

    Attributes:
        layers: The data set that each channel shows an image of, where the channels are images of their own; else None.
    """

    few = 1000
    evaluations = 20
    value_range: tuple[float, float]
    layers: "Images | None" = None

    def __init__(
        self,
        value_range: tuple[float, float],
        batch_size: int,
        drop_last: bool,
        subset: int | None = None,
        size: int | None = None,
    ) -> None:
        low, high = value_range
        if (low, high) not in ((-1, 1), (0, 1)):
            raise ConfigError("the range of image values is [-1, 1] or [0, 1]", "data.value_range")
        self.value_range = (float(low), float(high))
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.subset = subset
        if size is not None:
            self.shape = (self.shape[0], size, size)

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
            images = torch.nn.functional.interpolate(images, self.shape[1:], mode="bicubic", antialias=True)
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

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the bytes and labels of both splits."""
        parts = (part for split in SPLITS for part in self.load(split))
        return digest(*(part for part in parts if part is not None))

    def whole(self) -> "Images":
        """Return the images with the whole training split."""
        if self.subset is None:
            return self
        whole = copy(self)
        whole.subset = None
        whole.__dict__.pop("fingerprint", None)
        return whole

    def picture(self, samples: Tensor, labels: Tensor | None = None, layout: Layout = PLAIN) -> np.ndarray:
        """Draw the images on a grid, in the order given: a row per class where there are labels, else a square.

        Arguments:
            samples: Decoded values with shape (N, C, H, W), on the CPU.
            labels: Their classes with shape (N,), on the CPU, equal ones together and as many of each.
            layout: How they stand.
        """
        columns = layout.columns
        if columns is None and labels is not None:
            columns = int((labels == labels[0]).sum())
        return image_grid(samples, self.value_range, columns, layout.titles, layout.row_titles)


class Digits(Images):
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn; needs no download.

    Every fifth image of each class is held out for testing.

    References:
        Optical Recognition of Handwritten Digits (Alpaydin & Kaynak, 1998)
        https://archive.ics.uci.edu/dataset/80

    Arguments:
        value_range: Range of decoded values, (-1, 1) or (0, 1).
        batch_size: Images per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
        subset: How many training images to use, the first ones; by default all.
        size: Side in pixels to which the images are resized; by default they stay as they are.
    """

    shape = (1, 8, 8)
    num_classes = 10
    class_names = tuple(str(digit) for digit in range(10))

    def __init__(
        self,
        value_range: tuple[float, float] = (-1, 1),
        batch_size: PositiveInt = 64,
        drop_last: bool = True,
        subset: PositiveInt | None = None,
        size: PositiveInt | None = None,
    ) -> None:
        super().__init__(value_range, batch_size, drop_last, subset, size)

    def read(self, split: Split) -> tuple[Tensor, Tensor]:
        """Read the images (uint8, (N, 1, 8, 8)) and their digits (int64, (N,)) from the installed package."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = torch.from_numpy(bunch.images).mul_(255 / 16).round_().to(torch.uint8).unsqueeze(1)
        labels = torch.from_numpy(bunch.target).to(torch.int64)
        rank_in_class = torch.nn.functional.one_hot(labels).cumsum(0).gather(1, labels[:, None]).squeeze(1)
        chosen = (rank_in_class % 5 == 0) == (split == "test")
        return images[chosen], labels[chosen]
