"""Convolutional players of DCGAN.

k layers of stride 2, padded as TensorFlow's "same", lie between a small map, the base, and the image. Its size is halved,
rounding up, until a side is below 7, and at least twice: 64, 32, 16, 8, 4 and 28, 14, 7, 4. Widths double towards the base:
``channels`` next to the image, ``channels * 2^(k - 1)`` at the base. Where ``widths`` are given, they say how many layers there
are, and images of every size will do.

References:
    Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford et al., 2016),
    https://arxiv.org/abs/1511.06434
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn
from typing_extensions import Unpack

from ganexp.config.types import PositiveInt
from ganexp.networks.convolutions import FromMap, Kernel, ToMap, convolution, transposed_convolution
from ganexp.networks.initialisation import DCGAN_NORMAL
from ganexp.networks.layer import Layer, LayerOptions
from ganexp.networks.players import OutputActivation, Shape, ValueRange, join_labels, make_output_activation
from ganexp.networks.sizes import given_sizes, rounded_sizes

Ends = Literal["linear", "convolution"]
Widths = Annotated[Sequence[PositiveInt], Field(min_length=1)]

LARGEST = 128
LEAST = 2  # halvings: with one, the FID of digits of 8x8 was 7.7, with two 1.9
_ANY = "give both players widths, which make any size (generator.widths=[256,128,64] discriminator.widths=[64,128,256])"


class DCGANGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to an image: one projection, then transposed convolutions.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        channels: Width of the layer next to the image; it doubles at each halving of the size.
        widths: Width of each map from the base to the one before the image, in place of ``channels``; as many layers double
            the size. None: as the image's size and ``channels`` say.
        kernel: Size of the kernels.
        projection_bias: Whether the projection has a bias; None: as ``bias`` says.
        ends: Whether the projection is a linear layer, or a transposed convolution of z as a map of one pixel.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are batch norm and DCGAN's initialisation.

    Raises:
        ConfigError: The data is not made of images with a size that fits, the output activation does not fit the
            value range, or an option does not fit the layers.
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
        projection_bias: bool | None = None,
        ends: Ends = "linear",
        output_activation: OutputActivation = "auto",
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        sizes = rounded_sizes(shape, LARGEST, LEAST, _ANY) if widths is None else given_sizes(shape, len(widths))
        base, *larger = reversed(sizes)
        widths = [channels * 2**i for i in reversed(range(len(larger)))] if widths is None else widths
        common = Layer.of(layer, norm="batch", init=DCGAN_NORMAL)
        first, *others = common.each(len(widths))
        first_bias = first.hidden_bias if projection_bias is None else projection_bias
        joined = latent_dim + num_classes
        self.layers = nn.Sequential()
        if ends == "linear":
            self.layers.extend([nn.Linear(joined, math.prod(base) * widths[0], bias=first_bias), ToMap(base)])
        else:
            self.layers.extend([nn.Unflatten(1, (joined, 1, 1)), nn.ConvTranspose2d(joined, widths[0], base, bias=first_bias)])
        self.layers.extend(first.after_map(widths[0]))
        for (inputs, outputs), size, hidden in zip(pairwise(widths), larger[:-1], others, strict=True):
            self.layers.extend(transposed_convolution(inputs, outputs, size, kernel=kernel, stride=2, bias=hidden.hidden_bias))
            self.layers.extend(hidden.after_map(outputs))
        self.layers.extend(
            transposed_convolution(widths[-1], shape[0], sizes[0], kernel=kernel, stride=2, bias=common.output_bias)
        )
        self.layers.append(make_output_activation(output_activation, value_range))
        common.finish(self)

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
        channels: Width of the layer next to the image; it doubles at each halving of the size.
        widths: Width of each map from the one behind the image to the base, in place of ``channels``; as many layers halve
            the size. None: as the image's size and ``channels`` say.
        kernel: Size of the kernels.
        first_norm: Whether the layer next to the image is normalised, too.
        ends: Whether the last layer is a linear one, or a convolution with the base as its kernel.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are layer norm, leaky ReLU and DCGAN's
            initialisation.

    Raises:
        ConfigError: The data is not made of images with a size that fits, or an option does not fit the layers.
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
        first_norm: bool = False,
        ends: Ends = "linear",
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        *larger, base = rounded_sizes(shape, LARGEST, LEAST, _ANY) if widths is None else given_sizes(shape, len(widths))
        widths = [channels * 2**i for i in range(len(larger))] if widths is None else widths
        common = Layer.of(layer, norm="layer", activation="leaky_relu", init=DCGAN_NORMAL)
        first, *others = common.each(len(widths))
        if not first_norm:
            first = replace(first, norm="none")
        self.layers = nn.Sequential()
        maps = zip(pairwise([shape[0] + num_classes, *widths]), larger, (first, *others), strict=True)
        for (inputs, width), size, hidden in maps:
            self.layers.extend(convolution(inputs, width, size, kernel=kernel, stride=2, bias=hidden.hidden_bias))
            self.layers.extend(hidden.after_map(width))
        if ends == "linear":
            self.layers.extend([FromMap(), nn.Linear(math.prod(base) * widths[-1], outputs, bias=common.output_bias)])
        else:
            self.layers.extend([nn.Conv2d(widths[-1], outputs, base, bias=common.output_bias), nn.Flatten()])
        common.finish(self)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        logits: Tensor = self.layers(join_labels(x, y))
        return logits
