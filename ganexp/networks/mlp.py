"""Fully connected players for any data: images are flattened on the way in and reshaped on the way out."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from ganexp.config.types import NonNegativeInt, PositiveFloat, PositiveInt
from ganexp.networks.layer import Layer, LayerOptions
from ganexp.networks.players import OutputActivation, Shape, ValueRange, join_labels, make_output_activation


class MLPGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to a sample through fully connected layers.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one sample.
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        widths: Units of each hidden layer; empty for an affine generator.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        octaves: Waves of each latent that the first layer sees beside it; see :class:`Fourier`.
        period: Length of the longest of these waves.
        layer: Options of :class:`ganexp.networks.layer.Layer`.

    Raises:
        ConfigError: The output activation does not fit the value range, or an option does not fit the layers.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        num_classes: int = 0,
        value_range: ValueRange = None,
        *,
        widths: Sequence[PositiveInt] = (128, 128, 128),
        output_activation: OutputActivation = "auto",
        octaves: NonNegativeInt = 0,
        period: PositiveFloat = 4.0,
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        common = Layer.of(layer)
        self.features = Fourier(octaves, period) if octaves else None
        self.layers = _stack([latent_dim * (1 + 2 * octaves) + num_classes, *widths, math.prod(shape)], common)
        self.layers.append(make_output_activation(output_activation, value_range))
        common.finish(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to samples with shape (B, *shape)."""
        samples: Tensor = self.layers(join_labels(z if self.features is None else self.features(z), y))
        return samples.view(-1, *self.shape)


class MLPDiscriminator(nn.Module):
    """Map a sample, with its one-hot label if any, to logits through fully connected layers.

    Arguments:
        shape: Shape of one sample.
        num_classes: Length of y; 0 for none.
        outputs: Logits per sample.
        widths: Units of each hidden layer; empty for an affine discriminator.
        octaves: Waves of each coordinate that the first layer sees beside it; see :class:`Fourier`.
        period: Length of the longest of these waves, in units of the data.
        layer: Options of :class:`ganexp.networks.layer.Layer`.

    Raises:
        ConfigError: An option does not fit the layers.
    """

    def __init__(
        self,
        shape: Shape,
        num_classes: int = 0,
        outputs: int = 1,
        *,
        widths: Sequence[PositiveInt] = (128, 128, 128),
        octaves: NonNegativeInt = 0,
        period: PositiveFloat = 4.0,
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        common = Layer.of(layer)
        self.features = Fourier(octaves, period) if octaves else None
        self.layers = _stack([math.prod(shape) * (1 + 2 * octaves) + num_classes, *widths, outputs], common)
        common.finish(self)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        x = x.flatten(1)
        logits: Tensor = self.layers(join_labels(x if self.features is None else self.features(x), y))
        return logits


class Fourier(nn.Module):
    r"""Give each coordinate x together with its waves :math:`\sin(2^k \tau x / p), \cos(2^k \tau x / p)`, k = 0, ..., K - 1.

    A fully connected network learns coarse structure first; with waves as short as the data's details it sees these as soon.

    References:
        Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains (Tancik et al., 2020)
        https://arxiv.org/abs/2006.10739

    Arguments:
        octaves: K, 1 or more.
        period: p, the longest period; it should cover the data, whose two ends look alike to the waves otherwise.
    """

    factors: Tensor

    def __init__(self, octaves: PositiveInt, period: PositiveFloat) -> None:
        super().__init__()
        self.register_buffer("factors", 2.0 ** torch.arange(octaves) * math.tau / period, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map x with shape (B, D) to features with shape (B, D (1 + 2 K))."""
        waves = (x.unsqueeze(-1) * self.factors).flatten(1)
        return torch.cat([x, waves.sin(), waves.cos()], dim=1)


def _stack(sizes: Sequence[int], common: Layer) -> nn.Sequential:
    """Chain linear layers of the given sizes; all but the last are hidden ones."""
    layers = nn.Sequential()
    for (inputs, outputs), layer in zip(pairwise(sizes[:-1]), common.each(len(sizes) - 2), strict=True):
        layers.extend([nn.Linear(inputs, outputs, bias=layer.hidden_bias), *layer.after_vector(outputs)])
    return layers.append(nn.Linear(sizes[-2], sizes[-1], bias=common.output_bias))
