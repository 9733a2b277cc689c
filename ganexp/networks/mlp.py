"""Fully connected players for any data: images are flattened on the way in and reshaped on the way out."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from ganexp.networks.initialisation import TORCH_DEFAULT, Initialisation
from ganexp.networks.layers import (
    Activation,
    OutputActivation,
    add_spectral_norm,
    join_labels,
    make_activation,
    make_output_activation,
)
from ganexp.networks.players import Shape, ValueRange
from ganexp.types import Fraction, NonNegativeFloat, PositiveInt

Norm = Literal["none", "batch", "layer"]

_NORMS: dict[str, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class MLPGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to a sample through fully connected layers.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one sample.
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        widths: Units of each hidden layer; empty for an affine generator.
        activation: After each hidden layer (and its norm).
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        norm: Between each hidden layer and its activation.
        dropout: Probability that a hidden unit is dropped.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        spectral_norm: Whether every weight is divided by its largest singular value.
        init: How the weights are drawn.

    Raises:
        ConfigError: The output activation does not fit the value range, or the activation has no slope.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        num_classes: int = 0,
        value_range: ValueRange = None,
        *,
        widths: Sequence[PositiveInt] = (128, 128, 128),
        activation: Activation = "relu",
        slope: NonNegativeFloat | None = None,
        norm: Norm = "none",
        dropout: Fraction = 0.0,
        output_activation: OutputActivation = "auto",
        spectral_norm: bool = False,
        init: Initialisation = TORCH_DEFAULT,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        sizes = [latent_dim + num_classes, *widths, math.prod(shape)]
        self.layers = _stack(sizes, lambda: make_activation(activation, slope), norm, dropout)
        self.layers.append(make_output_activation(output_activation, value_range))
        init(self)
        if spectral_norm:
            add_spectral_norm(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to samples with shape (B, *shape)."""
        samples: Tensor = self.layers(join_labels(z, y))
        return samples.view(-1, *self.shape)


class MLPDiscriminator(nn.Module):
    """Map a sample, with its one-hot label if any, to logits through fully connected layers.

    Arguments:
        shape: Shape of one sample.
        num_classes: Length of y; 0 for none.
        outputs: Logits per sample.
        widths: Units of each hidden layer; empty for an affine discriminator.
        activation: After each hidden layer (and its norm).
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        norm: Between each hidden layer and its activation. Batch norm makes a logit depend on the other samples of the
            batch.
        dropout: Probability that a hidden unit is dropped.
        spectral_norm: Whether every weight is divided by its largest singular value.
        init: How the weights are drawn.

    Raises:
        ConfigError: The activation has no slope.
    """

    def __init__(
        self,
        shape: Shape,
        num_classes: int = 0,
        outputs: int = 1,
        *,
        widths: Sequence[PositiveInt] = (128, 128, 128),
        activation: Activation = "relu",
        slope: NonNegativeFloat | None = None,
        norm: Norm = "none",
        dropout: Fraction = 0.0,
        spectral_norm: bool = False,
        init: Initialisation = TORCH_DEFAULT,
    ) -> None:
        super().__init__()
        sizes = [math.prod(shape) + num_classes, *widths, outputs]
        self.layers = _stack(sizes, lambda: make_activation(activation, slope), norm, dropout)
        init(self)
        if spectral_norm:
            add_spectral_norm(self)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        logits: Tensor = self.layers(join_labels(x.flatten(1), y))
        return logits


def _stack(sizes: Sequence[int], activation: Callable[[], nn.Module], norm: Norm, dropout: float) -> nn.Sequential:
    """Chain linear layers of the given sizes; all but the last are followed by norm, activation and dropout."""
    layers = nn.Sequential()
    for inputs, outputs in pairwise(sizes[:-1]):
        # A norm shifts by itself: a bias before it would have no effect.
        layers.append(nn.Linear(inputs, outputs, bias=norm not in _NORMS))
        if norm in _NORMS:
            layers.append(_NORMS[norm](outputs))
        layers.append(activation())
        if dropout > 0:
            layers.append(nn.Dropout(dropout))
    return layers.append(nn.Linear(sizes[-2], sizes[-1]))
