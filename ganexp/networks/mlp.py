"""Fully connected players for any data: images are flattened on the way in and reshaped on the way out."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.config.types import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt
from ganexp.networks.hidden import Bias, Hidden, Momentum, Norm, NormPosition
from ganexp.networks.initialisation import TORCH_DEFAULT, Initialisation
from ganexp.networks.layers import (
    Activation,
    OutputActivation,
    add_spectral_norm,
    join_labels,
    make_output_activation,
)
from ganexp.networks.players import Shape, ValueRange


class MLPGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to a sample through fully connected layers.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one sample.
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        widths: Units of each hidden layer; empty for an affine generator.
        activation: In each hidden layer.
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        norm: In each hidden layer.
        norm_position: Whether the norm comes before or after the activation.
        norm_momentum: Weight of a new batch in batch norm's running statistics.
        norm_eps: What the norms add to the variance.
        bias: ``auto`` leaves out the biases that a norm follows directly; ``all`` and ``none`` concern every layer.
        dropout: Probability that a hidden unit is dropped: one for all hidden layers, or a list with one for each.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        spectral_norm: Whether every weight is divided by its largest singular value.
        init: How the weights are drawn.

    Raises:
        ConfigError: The output activation does not fit the value range, the activation has no slope, or there are more or fewer
            probabilities than hidden layers.
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
        norm_position: NormPosition = "before",
        norm_momentum: Momentum = 0.1,
        norm_eps: PositiveFloat = 1e-5,
        bias: Bias = "auto",
        dropout: Sequence[Fraction] | Fraction = 0.0,
        output_activation: OutputActivation = "auto",
        spectral_norm: bool = False,
        init: Initialisation = TORCH_DEFAULT,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        sizes = [latent_dim + num_classes, *widths, math.prod(shape)]
        hidden = Hidden(activation, slope, norm, norm_momentum, norm_eps, norm_position, bias)
        self.layers = _stack(sizes, hidden, dropout)
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
        activation: In each hidden layer.
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        norm: In each hidden layer. Batch norm makes a logit depend on the other samples of the batch.
        norm_position: Whether the norm comes before or after the activation.
        norm_momentum: Weight of a new batch in batch norm's running statistics.
        norm_eps: What the norms add to the variance.
        bias: ``auto`` leaves out the biases that a norm follows directly; ``all`` and ``none`` concern every layer.
        dropout: Probability that a hidden unit is dropped: one for all hidden layers, or a list with one for each.
        spectral_norm: Whether every weight is divided by its largest singular value.
        init: How the weights are drawn.

    Raises:
        ConfigError: The activation has no slope, or there are more or fewer probabilities than hidden layers.
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
        norm_position: NormPosition = "before",
        norm_momentum: Momentum = 0.1,
        norm_eps: PositiveFloat = 1e-5,
        bias: Bias = "auto",
        dropout: Sequence[Fraction] | Fraction = 0.0,
        spectral_norm: bool = False,
        init: Initialisation = TORCH_DEFAULT,
    ) -> None:
        super().__init__()
        sizes = [math.prod(shape) + num_classes, *widths, outputs]
        hidden = Hidden(activation, slope, norm, norm_momentum, norm_eps, norm_position, bias)
        self.layers = _stack(sizes, hidden, dropout)
        init(self)
        if spectral_norm:
            add_spectral_norm(self)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        logits: Tensor = self.layers(join_labels(x.flatten(1), y))
        return logits


def _stack(sizes: Sequence[int], hidden: Hidden, dropout: float | Sequence[float]) -> nn.Sequential:
    """Chain linear layers of the given sizes; all but the last are followed by norm, activation and dropout."""
    depth = len(sizes) - 2
    probabilities = dropout if isinstance(dropout, Sequence) else [dropout] * depth
    if len(probabilities) != depth:
        raise ConfigError(
            f"dropout has {len(probabilities)} probabilities, but there are {depth} hidden layers",
            "network",
            hint="give one for each entry of widths, or a single number for all",
        )
    layers = nn.Sequential()
    for (inputs, outputs), probability in zip(pairwise(sizes[:-1]), probabilities, strict=True):
        layers.extend([nn.Linear(inputs, outputs, bias=hidden.has_bias()), *hidden.after_vector(outputs)])
        if probability > 0:
            layers.append(nn.Dropout(probability))
    return layers.append(nn.Linear(sizes[-2], sizes[-1], bias=hidden.output_bias))
