"""Pairs of player factories: the contract between a network config and a model, and how every player begins and ends.

Mathematical contract, with d = ``shape``, c = ``num_classes`` and y one-hot: a generator is a map G: R^latent_dim x {y}
-> R^d into ``value_range``; a discriminator is a map D: R^d x {y} -> R^outputs of unbounded logits. Without classes, y
is absent.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from ganexp.config.errors import ConfigError

Shape = tuple[int, ...]
ValueRange = tuple[float, float] | None
OutputActivation = Literal["auto", "identity", "tanh", "sigmoid"]

# The open interval that each activation can reach; None: unbounded.
_REACH: dict[str, tuple[ValueRange, Callable[[], nn.Module]]] = {
    "identity": (None, nn.Identity),
    "tanh": ((-1.0, 1.0), nn.Tanh),
    "sigmoid": ((0.0, 1.0), nn.Sigmoid),
}


class Styled(nn.Module, ABC):
    """A generator with an intermediate latent, the style: it draws what its mapping makes of z and y.

    Attributes:
        mapping: Called as the generator is; returns styles with shape (B, layers, style_dim).
    """

    mapping: nn.Module

    @abstractmethod
    def draw(self, styles: Tensor) -> Tensor:
        """Map styles with shape (B, layers, style_dim) to samples with shape (B, *shape)."""

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to samples with shape (B, *shape)."""
        return self.draw(self.mapping(z, y))


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


def make_output_activation(name: OutputActivation, value_range: ValueRange) -> nn.Module:
    """Build a generator's last activation.

    Arguments:
        name: ``auto`` takes the activation that reaches exactly ``value_range``. ``identity`` fits all data: it reaches
            every value, also some that the data cannot have.
        value_range: Smallest and largest value in the data, None where it is unbounded.

    Raises:
        ConfigError: The activation cannot reach all values or, for ``auto``, no activation fits.
    """
    wanted = None if value_range is None else (float(value_range[0]), float(value_range[1]))
    if name == "auto":
        for reach, make in _REACH.values():
            if reach == wanted:
                return make()
        raise ConfigError(
            f"no output activation fits values in {wanted}", "network", "data", hint="use output_activation=identity"
        )
    reach, make = _REACH[name]
    if reach not in (None, wanted):
        raise ConfigError(
            f"the generator's output_activation={name} gives values in {reach}, but the data has "
            + ("unbounded values" if wanted is None else f"values in {wanted}"),
            "network",
            "data",
            hint="use output_activation=auto",
        )
    return make()


def join_labels(x: Tensor, y: Tensor | None) -> Tensor:
    """Append one-hot labels to the second dimension of an input.

    Arguments:
        x: Vectors with shape (B, D), or images with shape (B, C, H, W), to which labels become constant maps.
        y: One-hot labels with shape (B, num_classes), or None, which leaves x as it is.
    """
    if y is None:
        return x
    y = y.to(x.dtype)
    return torch.cat([x, y.reshape(*y.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])], dim=1)
