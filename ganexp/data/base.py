"""The one interface of every data set.

Contract: constructing a data set reads no file; `Data.load` returns the same tensors every time; `Data.decode` maps raw
storage elementwise to float32 values in `Data.value_range`.
"""

import hashlib
import os
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, TypedDict

from torch import Tensor

from ganexp.config.paths import user_path
from ganexp.config.types import PositiveInt
from ganexp.data.attributes import Attributes
from ganexp.data.found import Found

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")

# Of what is drawn: fixed, so that every run, whatever its seed, is trained and judged on the same samples.
SEEDS: dict[Split, int] = {"train": 0, "test": 1}

# Samples that are read into memory at a time to be hashed.
HASHED = 4096


class StreamOptions(TypedDict, total=False):
    """Options of every data set: how batches are drawn from it.

    Attributes:
        batch_size: Samples that one update of the discriminator sees, over all devices together; 64.
        drop_last: Whether to leave out the last, smaller batch of an epoch; true.
        balance: Whether an epoch has as many samples of each class as of any other, rare ones several times; false.
    """

    batch_size: PositiveInt
    drop_last: bool
    balance: bool


class Data(ABC):
    """A data set, and what its samples look like.

    Arguments:
        batch_size: See :class:`StreamOptions`.
        drop_last: See :class:`StreamOptions`.
        balance: See :class:`StreamOptions`.

    Attributes:
        shape: Shape of one sample, (C, H, W) for images or (D,) for points.
        num_classes: Number of classes; 0 without labels.
        value_range: Range of decoded values; None when unbounded.
        class_names: One name per class, or None.
        class_weights: Relative frequencies of the classes, by which labels are drawn for generated samples; None: equal.
        attributes: What is known of each sample in place of a class: labels are then vectors; None: nothing.
        unlabelled: Why there are no classes, where one might expect some; else None.
        few: Samples of an evaluation while a model learns, by default.
        evaluations: Evaluations while a model learns, by default.
    """

    few: ClassVar[int]
    evaluations: ClassVar[int]
    shape: tuple[int, ...]
    num_classes: int = 0
    value_range: tuple[float, float] | None = None
    class_names: tuple[str, ...] | None = None
    class_weights: tuple[float, ...] | None = None
    attributes: Attributes | None = None
    unlabelled: str | None = None

    def __init__(self, *, batch_size: PositiveInt = 64, drop_last: bool = True, balance: bool = False) -> None:
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.balance = balance

    def prepare(self) -> None:  # noqa: B027 (most data sets need no preparation)
        """Download or check the files, once per machine.

        Raises:
            ConfigError: A file is missing and cannot be downloaded, or is damaged.
        """

    @abstractmethod
    def load(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Return raw samples (uint8 or float32) with shape (N, *shape), and their labels.

        Labels are classes (int64, (N,)); or vectors (float32, (N, attributes.size)), where there are attributes; or None.
        """

    @abstractmethod
    def decode(self, raw: Tensor) -> Tensor:
        """Turn raw samples with shape (B, *shape) into float32 in `value_range`, on their device and without a sync."""

    @abstractmethod
    def encode(self, samples: Tensor) -> Tensor:
        """Turn decoded samples with shape (B, *shape) into raw ones, the inverse of :meth:`decode`."""

    def conditions(self) -> Tensor:
        """Return the vectors of the training split (float32, (N, attributes.size)), where there are attributes."""
        vectors = self.load("train")[1]
        assert self.attributes is not None and vectors is not None
        return vectors

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the content of both splits: equal data have an equal one, whatever their other options."""
        return digest(*(part for split in SPLITS for part in self.load(split) if part is not None))

    @property
    def memory(self) -> int:
        """Bytes that loading the training split takes at least; 0 where that is little, or not known before it is done."""
        return 0

    @property
    def found(self) -> Found | None:
        """What was found in a user's own files, once they have been prepared; None for data that are always the same."""
        return None

    def whole(self) -> "Data":
        """Return the data set without the restriction of the training split to a subset."""
        return self

    @property
    def derived(self) -> Path:
        """The folder for what is derived from the data, such as statistics; it need not exist."""
        return cache_folder("derived")


def cache_folder(name: str) -> Path:
    """Return the absolute path of `ganexp/name` in the user's cache folder: XDG_CACHE_HOME, else ~/.cache.

    What lies there is kept between runs, and may be deleted at any time.
    """
    return user_path(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "ganexp", name)).absolute()


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
