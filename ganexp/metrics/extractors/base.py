"""The one interface of every feature extractor.

Contract: an extractor sees nothing but bytes, as :meth:`ganexp.data.Images.encode` makes them, so the range of a generator's
values cannot be mistaken; it draws no random numbers once it is prepared; equal hashes mean equal features.
"""

from abc import ABC, abstractmethod
from copy import deepcopy
from typing import ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ganexp.data.base import digest
from ganexp.data.images import Images

Network = TypeVar("Network", bound=nn.Module)


class Features(NamedTuple):
    """What an extractor sees in N images: vectors (float32, (N, D)) and the logits of its classes (float32, (N, K))."""

    vectors: Tensor
    logits: Tensor

    @classmethod
    def concatenate(cls, parts: "list[Features]") -> "Features":
        """Put the features of several batches together."""
        return cls(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


class ForData(ABC):
    """What the config group ``extractor`` takes: an extractor, or something that finds the one for the data."""

    @abstractmethod
    def fitting(self, data: Images) -> "Extractor":
        """Return the extractor to use for this data."""


class Extractor(ForData):
    """A fixed network that turns images into vectors, whose distances mean something, and into classes.

    Attributes:
        name: What it is called in the protocol of a measurement.
        knows_classes: Whether its classes are those of the data.
        names_things: Whether its classes are kinds of things that can be seen, of the data or others.
    """

    name: ClassVar[str]
    knows_classes: ClassVar[bool]
    names_things: ClassVar[bool] = True

    def fitting(self, data: Images) -> "Extractor":
        """Return this one."""
        return self

    def check(self, data: Images) -> None:
        """Refuse images that it cannot judge, before any work is done.

        Raises:
            ConfigError: It cannot.
        """

    @abstractmethod
    def prepare(self, data: Images) -> None:
        """Get the network ready for the images of this data set: read it, or make it, once per machine.

        Raises:
            ConfigError: It is not available.
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


class Copies(Generic[Network]):
    """A fixed network on the CPU, and a copy of it on every other device that was asked for.

    Arguments:
        network: The network; it goes into evaluation mode, without gradients.
    """

    def __init__(self, network: Network) -> None:
        self._copies = {torch.device("cpu"): network.requires_grad_(False).eval().cpu()}
        self.hash = weights_hash(network)

    def on(self, device: torch.device) -> Network:
        """Return the network on a device."""
        if device not in self._copies:
            self._copies[device] = deepcopy(self._copies[torch.device("cpu")]).to(device)
        return self._copies[device]


def weights_hash(network: nn.Module) -> str:
    """Return a digest of the names and values of the state of a network on the CPU: 16 hexadecimal digits."""
    return digest(*(part for name, value in network.state_dict().items() for part in (name, value.reshape(-1))))


def check_bytes(images: Tensor) -> None:
    """Refuse images that are no bytes.

    Raises:
        TypeError: They are not uint8.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"an extractor sees bytes (uint8), not {images.dtype}")
