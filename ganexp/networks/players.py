"""Pairs of player factories: the contract between a network config and a model.

Mathematical contract, with d = ``shape``, c = ``num_classes`` and y one-hot: a generator is a map G: R^latent_dim x {y}
-> R^d into ``value_range``; a discriminator is a map D: R^d x {y} -> R^outputs of unbounded logits. Without classes, y
is absent.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import nn

Shape = tuple[int, ...]
ValueRange = tuple[float, float] | None


class Networks(ABC):
    """Build the two players for given data.

    Both players are fresh modules on each call: they share no parameters, and every call draws new weights from torch's
    global generator.
    """

    @abstractmethod
    def generator(self, latent_dim: int, shape: Shape, num_classes: int = 0, value_range: ValueRange = None) -> nn.Module:
        """Build a generator: ``forward(z, y=None) -> samples``.

        Arguments:
            latent_dim: Length of z, which has shape (B, latent_dim).
            shape: Shape of one sample: (C, H, W) or (D,). Samples have shape (B, *shape).
            num_classes: With more than 0, forward also takes y, one-hot floats with shape (B, num_classes).
            value_range: Smallest and largest value in the data, None where it is unbounded.

        Raises:
            ConfigError: The network cannot make such samples.
        """

    @abstractmethod
    def discriminator(self, shape: Shape, num_classes: int = 0, outputs: int = 1) -> nn.Module:
        """Build a discriminator: ``forward(x, y=None) -> logits`` with shape (B, outputs).

        Arguments:
            shape: Shape of one sample: (C, H, W) or (D,). The input x has shape (B, *shape).
            num_classes: With more than 0, forward also takes y, one-hot floats with shape (B, num_classes).
            outputs: How many logits to give per sample.

        Raises:
            ConfigError: The network cannot look at such samples.
        """


class Players(Networks):
    """Pair two factories, normally partials made by the config.

    Arguments:
        generator: Called as ``generator(latent_dim, shape, num_classes, value_range)``.
        discriminator: Called as ``discriminator(shape, num_classes, outputs)``.
    """

    def __init__(self, generator: Callable[..., nn.Module], discriminator: Callable[..., nn.Module]) -> None:
        self._generator = generator
        self._discriminator = discriminator

    def generator(self, latent_dim: int, shape: Shape, num_classes: int = 0, value_range: ValueRange = None) -> nn.Module:
        return self._generator(latent_dim, shape, num_classes, value_range)

    def discriminator(self, shape: Shape, num_classes: int = 0, outputs: int = 1) -> nn.Module:
        return self._discriminator(shape, num_classes, outputs)


class ByShape(Networks):
    """Take the players that fit the data: one pair for points, another for images.

    Arguments:
        points: Used for samples with shape (D,).
        images: Used for samples with shape (C, H, W).
    """

    def __init__(self, points: Networks, images: Networks) -> None:
        self._points = points
        self._images = images

    def generator(self, latent_dim: int, shape: Shape, num_classes: int = 0, value_range: ValueRange = None) -> nn.Module:
        return self._pick(shape).generator(latent_dim, shape, num_classes, value_range)

    def discriminator(self, shape: Shape, num_classes: int = 0, outputs: int = 1) -> nn.Module:
        return self._pick(shape).discriminator(shape, num_classes, outputs)

    def _pick(self, shape: Shape) -> Networks:
        return self._images if len(shape) == 3 else self._points
