"""The one interface of every data set.

Contract: constructing a data set reads no file; `Data.load` returns the same tensors every time; `Data.decode` maps raw
storage elementwise to float32 values in `Data.value_range`.
"""

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from ganexp.data.cache import cache_folder
from ganexp.pictures.images import PLAIN, Layout

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")

# Samples that are read into memory at a time to be hashed.
HASHED = 4096


class Data(ABC):
    """An object that says what is real.

    Attributes:
        shape: Shape of one sample, (C, H, W) for images or (D,) for points.
        num_classes: Number of classes; 0 without labels.
        value_range: Range of decoded values; None when unbounded.
        class_names: One name per class, or None.
        class_weights: Relative frequencies of the classes, by which labels are drawn for generated samples; None: equal.
        batch_size: Samples that one update of the discriminator sees, over all devices together.
        drop_last: Whether the last, smaller batch of an epoch is left out.
        few: Samples that an evaluation draws while a model learns, unless told otherwise.
        evaluations: Evaluations while a model learns, unless told otherwise.
    """

    few: ClassVar[int]
    evaluations: ClassVar[int]
    shape: tuple[int, ...]
    num_classes: int = 0
    value_range: tuple[float, float] | None = None
    class_names: tuple[str, ...] | None = None
    class_weights: tuple[float, ...] | None = None
    batch_size: int
    drop_last: bool

    def prepare(self) -> None:  # noqa: B027 (most data sets need no preparation)
        """Download or check the files, once per machine.

        Raises:
            ConfigError: A file is missing and cannot be downloaded, or is damaged.
        """

    @abstractmethod
    def load(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Return raw samples (uint8 or float32) with shape (N, *shape), and int64 labels with shape (N,) or None."""

    @abstractmethod
    def decode(self, raw: Tensor) -> Tensor:
        """Turn raw samples with shape (B, *shape) into float32 in `value_range`, on their device and without a sync."""

    @abstractmethod
    def encode(self, samples: Tensor) -> Tensor:
        """Turn decoded samples with shape (B, *shape) into raw ones, the inverse of :meth:`decode`."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A digest of the content of both splits: what is measured against equal data has an equal one."""

    def whole(self) -> "Data":
        """Return the data set without the restriction of the training split to a subset."""
        return self

    @property
    def derived(self) -> Path:
        """The folder for what is derived from the data, such as statistics; it need not exist."""
        return cache_folder("derived")

    @abstractmethod
    def picture(self, samples: Tensor, labels: Tensor | None = None, layout: Layout = PLAIN) -> np.ndarray:
        """Draw samples with shape (N, *shape) as an RGB picture: uint8 with shape (H, W, 3).

        Arguments:
            samples: Decoded values on the CPU; those of a diverged generator may be infinite or NaN.
            labels: Their classes on the CPU, with shape (N,).
            layout: Of images: how they stand.
        """


def digest(*parts: str | Tensor) -> str:
    """Return a fingerprint of texts and tensors: 16 hexadecimal digits."""
    found = hashlib.blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, str):
            found.update(f"{part}\n".encode())
            continue
        found.update(f"{part.dtype} {tuple(part.shape)}\n".encode())
        for piece in part.split(HASHED):
            found.update(piece.contiguous().numpy().tobytes())
    return found.hexdigest()
