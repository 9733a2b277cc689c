"""Convolutional players of DCGAN, for square images.

Stride-2 layers, padded as TensorFlow's "same", lie between a base x base map and the image. A side is base * 2^k with k such
layers: 28 = 7 * 4, 32 = 4 * 8, 64 = 4 * 16. Widths double towards the base: ``channels`` next to the image, ``channels *
2^(k - 1)`` at the base. Where ``widths`` are given, they say how many layers there are, and every side will do.

References:
    Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford et al., 2016),
    https://arxiv.org/abs/1511.06434
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from ganexp.config.types import NonNegativeFloat, PositiveFloat, PositiveInt
from ganexp.networks.convolutions import FromMap, Kernel, ToMap, convolution, finish, transposed_convolution
from ganexp.networks.hidden import Bias, Hidden, MapNorm, Momentum, NormPosition
from ganexp.networks.initialisation import DCGAN_NORMAL, Initialisation
from ganexp.networks.layers import Activation, OutputActivation, join_labels, make_output_activation
from ganexp.networks.players import Shape, ValueRange
from ganexp.networks.sides import given_sides, own_sides

Ends = Literal["linear", "convolution"]
Widths = Annotated[Sequence[PositiveInt], Field(min_length=1)]


class DCGANGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to an image: one projection, then transposed convolutions.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        channels: Width of the layer next to the image; it doubles at each halving of the side.
        widths: Width of each map from the base to the one before the image, in place of ``channels``; as many layers double
            the side. None: as the image's side and ``channels`` say.
        kernel: Side of the kernels.
        norm: In each hidden layer. ``layer`` normalises each image over channels and space.
        norm_position: Whether the norm comes before or after the activation.
        norm_momentum: Weight of a new batch in batch norm's running statistics.
        norm_eps: What the norms add to the variance.
        activation: In each hidden layer.
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        bias: ``auto`` leaves out the biases that a norm follows directly; ``all`` and ``none`` concern every layer.
        projection_bias: Whether the projection has a bias; None: as ``bias`` says.
        ends: Whether the projection is a linear layer, or a transposed convolution of z as a map of one pixel.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        spectral_norm: Whether every weight is divided by its largest singular value.
        init: How the weights are drawn.

    Raises:
        ConfigError: The data is not made of square images with a side that fits, the output activation does not fit the
            value range, or the activation has no slope.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        num_classes: int = 0,
        value_range: ValueRange = None,
        *,
        channels: PositiveInt = 64,
        widths: Widths | None = None,
        kernel: Kernel = 4,
        norm: MapNorm = "batch",
        norm_position: NormPosition = "before",
        norm_momentum: Momentum = 0.1,
        norm_eps: PositiveFloat = 1e-5,
        activation: Activation = "relu",
        slope: NonNegativeFloat | None = None,
        bias: Bias = "auto",
        projection_bias: bool | None = None,
        ends: Ends = "linear",
        output_activation: OutputActivation = "auto",
        spectral_norm: bool = False,
        init: Initialisation = DCGAN_NORMAL,
    ) -> None:
        super().__init__()
        sides = own_sides(shape) if widths is None else given_sides(shape, len(widths))
        base, *larger = reversed(sides)
        widths = [channels * 2**i for i in reversed(range(len(larger)))] if widths is None else widths
        hidden = Hidden(activation, slope, norm, norm_momentum, norm_eps, norm_position, bias)
        first_bias = hidden.has_bias() if projection_bias is None else projection_bias
        joined = latent_dim + num_classes
        self.layers = nn.Sequential()
        if ends == "linear":
            self.layers.extend([nn.Linear(joined, base * base * widths[0], bias=first_bias), ToMap(base)])
        else:
            self.layers.extend([nn.Unflatten(1, (joined, 1, 1)), nn.ConvTranspose2d(joined, widths[0], base, bias=first_bias)])
        self.layers.extend(hidden.after_map(widths[0]))
        for (inputs, outputs), side in zip(pairwise(widths), larger, strict=False):  # the last side is the image's
            self.layers.extend(transposed_convolution(inputs, outputs, side, kernel=kernel, stride=2, bias=hidden.has_bias()))
            self.layers.extend(hidden.after_map(outputs))
        self.layers.extend(
            transposed_convolution(widths[-1], shape[0], sides[0], kernel=kernel, stride=2, bias=hidden.output_bias)
        )
        self.layers.append(make_output_activation(output_activation, value_range))
        finish(self, init, spectral_norm)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to images with shape (B, *shape)."""
        images: Tensor = self.layers(join_labels(z, y))
        return images


class DCGANDiscriminator(nn.Module):
    """Map an image to logits: strided convolutions, then one layer over all. A label adds one constant map per class.

    Arguments:
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        outputs: Logits per image.
        channels: Width of the layer next to the image; it doubles at each halving of the side.
        widths: Width of each map from the one behind the image to the base, in place of ``channels``; as many layers halve
            the side. None: as the image's side and ``channels`` say.
        kernel: Side of the kernels.
        norm: In each hidden layer, except the one next to the image. ``layer`` normalises each image over channels and
            space; batch norm makes a logit depend on the other images of the batch.
        norm_position: Whether the norm comes before or after the activation.
        norm_momentum: Weight of a new batch in batch norm's running statistics.
        norm_eps: What the norms add to the variance.
        first_norm: Whether the layer next to the image is normalised, too.
        activation: In each hidden layer.
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        bias: ``auto`` leaves out the biases that a norm follows directly; ``all`` and ``none`` concern every layer.
        ends: Whether the last layer is a linear one, or a convolution with the base as its kernel.
        spectral_norm: Whether every weight is divided by its largest singular value.
        init: How the weights are drawn.

    Raises:
        ConfigError: The data is not made of square images with a side that fits, or the activation has no slope.
    """

    def __init__(
        self,
        shape: Shape,
        num_classes: int = 0,
        outputs: int = 1,
        *,
        channels: PositiveInt = 64,
        widths: Widths | None = None,
        kernel: Kernel = 4,
        norm: MapNorm = "layer",
        norm_position: NormPosition = "before",
        norm_momentum: Momentum = 0.1,
        norm_eps: PositiveFloat = 1e-5,
        first_norm: bool = False,
        activation: Activation = "leaky_relu",
        slope: NonNegativeFloat | None = None,
        bias: Bias = "auto",
        ends: Ends = "linear",
        spectral_norm: bool = False,
        init: Initialisation = DCGAN_NORMAL,
    ) -> None:
        super().__init__()
        *larger, base = own_sides(shape) if widths is None else given_sides(shape, len(widths))
        widths = [channels * 2**i for i in range(len(larger))] if widths is None else widths
        hidden = Hidden(activation, slope, norm, norm_momentum, norm_eps, norm_position, bias)
        self.layers = nn.Sequential()
        normed = first_norm
        for (inputs, outputs_), side in zip(pairwise([shape[0] + num_classes, *widths]), larger, strict=True):
            self.layers.extend(convolution(inputs, outputs_, side, kernel=kernel, stride=2, bias=hidden.has_bias(normed)))
            self.layers.extend(hidden.after_map(outputs_, normed))
            normed = True
        if ends == "linear":
            self.layers.extend([FromMap(), nn.Linear(base * base * widths[-1], outputs, bias=hidden.output_bias)])
        else:
            self.layers.extend([nn.Conv2d(widths[-1], outputs, base, bias=hidden.output_bias), nn.Flatten()])
        finish(self, init, spectral_norm)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        logits: Tensor = self.layers(join_labels(x, y))
        return logits
