"""The one interface of every feature extractor.

Contract: an extractor sees nothing but bytes, as :meth:`ganexp.data.Images.encode` makes them, so the range of a generator's
values cannot be mistaken; it draws no random numbers once it is prepared; equal hashes mean equal features.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from ganexp.data.images import Images


class Features(NamedTuple):
    """What an extractor sees in N images: vectors (float32, (N, D)) and the logits of its classes (float32, (N, K))."""

    vectors: Tensor
    logits: Tensor

    @classmethod
    def concatenate(cls, parts: "list[Features]") -> "Features":
        """Put the features of several batches together."""
        return cls(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


class Extractor(ABC):
    """A fixed network that turns images into vectors, whose distances mean something, and into classes.

    Attributes:
        name: What it is called in the protocol of a measurement.
        knows_classes: Whether its classes are those of the data.
    """

    name: ClassVar[str]
    knows_classes: ClassVar[bool]

    def check(self, data: Images) -> None:  # noqa: B027 (an extractor may take any images)
        """Refuse images that it cannot judge, before any work is done.

        Raises:
            ConfigError: It cannot.
        """

    @abstractmethod
    def prepare(self, data: Images) -> None:
        """Get the network ready for the images of this data set: read it, or make it, once per machine.

        Raises:
            ConfigError: It cannot be had.
        """

    @property
    @abstractmethod
    def identity(self) -> dict[str, str | float]:
        """What tells the prepared network from others: at least its `name` and the `hash` of its weights."""

    @abstractmethod
    def __call__(self, images: Tensor) -> Features:
        """Return the features of raw images (uint8, (N, C, H, W)), on their device; N may be any number, also large.

        Raises:
            TypeError: The images are no bytes.
        """
