"""Convolutional players without strides: sizes change by repeating pixels and by pooling.

A generator repeats each pixel twice per side and convolves, a discriminator convolves and keeps the largest of each 2x2 pixels.
With n ``widths``, a size is the base times 2^n: 28 = 7 * 4 for two. All convolutions have stride 1 and keep the size.

References:
    Deconvolution and Checkerboard Artifacts (Odena et al., 2016), https://distill.pub/2016/deconv-checkerboard/
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from typing_extensions import Unpack

from ganexp.config.types import PositiveInt
from ganexp.networks.convolutions import FromMap, Kernel, ToMap, convolution, transposed_convolution
from ganexp.networks.dcgan import Widths
from ganexp.networks.initialisation import GLOROT_UNIFORM
from ganexp.networks.layer import Layer, LayerOptions
from ganexp.networks.players import OutputActivation, Shape, ValueRange, join_labels, make_output_activation
from ganexp.networks.sizes import exact_sizes


class UpsampleGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to an image: one linear layer, then repeat and convolve.

    The first layer is normalised as one vector, before it becomes a map, so ``norm`` cannot be ``instance``.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        widths: Width of each map from the base to the one before the image; as many times the size is doubled.
        kernel: Size of the kernels.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are batch norm, leaky ReLU and Glorot's
            uniform initialisation.

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
        widths: Widths = (64, 64),
        kernel: Kernel = 3,
        output_activation: OutputActivation = "auto",
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        base, *larger = reversed(exact_sizes(shape, len(widths)))
        common = Layer.of(layer, norm="batch", activation="leaky_relu", init=GLOROT_UNIFORM)
        first, *others = common.each(len(widths))
        flat = math.prod(base) * widths[0]
        self.layers = nn.Sequential(
            nn.Linear(latent_dim + num_classes, flat, bias=first.hidden_bias), *first.after_vector(flat), ToMap(base)
        )
        for (inputs, outputs), size, hidden in zip(pairwise(widths), larger[:-1], others, strict=True):
            self.layers.append(nn.Upsample(scale_factor=2))
            self.layers.extend(transposed_convolution(inputs, outputs, size, kernel=kernel, stride=1, bias=hidden.hidden_bias))
            self.layers.extend(hidden.after_map(outputs))
        self.layers.append(nn.Upsample(scale_factor=2))
        self.layers.extend(
            transposed_convolution(widths[-1], shape[0], larger[-1], kernel=kernel, stride=1, bias=common.output_bias)
        )
        self.layers.append(make_output_activation(output_activation, value_range))
        common.finish(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to images with shape (B, *shape)."""
        images: Tensor = self.layers(join_labels(z, y))
        return images


class PoolDiscriminator(nn.Module):
    """Map an image to logits: convolve and pool, then linear layers. A label adds one constant map per class.

    Arguments:
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        outputs: Logits per image.
        widths: Width of each convolution from the image to the base; as many times the size is halved.
        hidden: Units of each linear layer but the last; may be empty.
        kernel: Size of the kernels.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are layer norm, leaky ReLU and Glorot's
            uniform initialisation. Hidden layers are the convolutions, then the linear ones.

    Raises:
        ConfigError: The data is not made of images with a size that fits, or an option does not fit the layers.
    """

    def __init__(
        self,
        shape: Shape,
        num_classes: int = 0,
        outputs: int = 1,
        *,
        widths: Widths = (64, 64),
        hidden: Sequence[PositiveInt] = (128,),
        kernel: Kernel = 3,
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        *larger, base = exact_sizes(shape, len(widths))
        common = Layer.of(layer, norm="layer", activation="leaky_relu", init=GLOROT_UNIFORM)
        each = common.each(len(widths) + len(hidden))
        self.layers = nn.Sequential()
        for (inputs, width), size, own in zip(pairwise([shape[0] + num_classes, *widths]), larger, each, strict=False):
            self.layers.extend(convolution(inputs, width, size, kernel=kernel, stride=1, bias=own.hidden_bias))
            self.layers.extend([*own.after_map(width), nn.MaxPool2d(2)])
        self.layers.append(FromMap())
        units = [math.prod(base) * widths[-1], *hidden]
        for (inputs, width), own in zip(pairwise(units), each[len(widths) :], strict=True):
            self.layers.extend([nn.Linear(inputs, width, bias=own.hidden_bias), *own.after_vector(width)])
        self.layers.append(nn.Linear(units[-1], outputs, bias=common.output_bias))
        common.finish(self)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        logits: Tensor = self.layers(join_labels(x, y))
        return logits
