"""Convolutional players that change sides without strides, for square images: by repeating pixels and by pooling.

A generator repeats each pixel twice per side and convolves, a discriminator convolves and keeps the largest of each 2x2 pixels.
With n ``widths``, a side is the base times 2^n: 28 = 7 * 4 for two. All convolutions have stride 1 and keep the side.

References:
    Deconvolution and Checkerboard Artifacts (Odena et al., 2016), https://distill.pub/2016/deconv-checkerboard/
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganexp.config.types import NonNegativeFloat, PositiveFloat, PositiveInt
from ganexp.networks.convolutions import FromMap, Kernel, ToMap, convolution, finish, transposed_convolution
from ganexp.networks.dcgan import Widths
from ganexp.networks.hidden import Bias, Hidden, Momentum, Norm, NormPosition
from ganexp.networks.initialisation import GLOROT_UNIFORM, Initialisation
from ganexp.networks.layers import Activation, OutputActivation, join_labels, make_output_activation
from ganexp.networks.players import Shape, ValueRange
from ganexp.networks.sides import exact_sides


class UpsampleGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to an image: one linear layer, then repeat and convolve.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        widths: Width of each map from the base to the one before the image; as many times the side is doubled.
        kernel: Side of the kernels.
        norm: In each hidden layer; the first is normalised as one vector, before it becomes a map. ``layer`` normalises
            each image over channels and space.
        norm_position: Whether the norm comes before or after the activation.
        norm_momentum: Weight of a new batch in batch norm's running statistics.
        norm_eps: What the norms add to the variance.
        activation: In each hidden layer.
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        bias: ``auto`` leaves out the biases that a norm follows directly; ``all`` and ``none`` concern every layer.
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
        widths: Widths = (64, 64),
        kernel: Kernel = 3,
        norm: Norm = "batch",
        norm_position: NormPosition = "before",
        norm_momentum: Momentum = 0.1,
        norm_eps: PositiveFloat = 1e-5,
        activation: Activation = "leaky_relu",
        slope: NonNegativeFloat | None = None,
        bias: Bias = "auto",
        output_activation: OutputActivation = "auto",
        spectral_norm: bool = False,
        init: Initialisation = GLOROT_UNIFORM,
    ) -> None:
        super().__init__()
        base, *larger = reversed(exact_sides(shape, len(widths)))
        hidden = Hidden(activation, slope, norm, norm_momentum, norm_eps, norm_position, bias)
        flat = base * base * widths[0]
        self.layers = nn.Sequential(
            nn.Linear(latent_dim + num_classes, flat, bias=hidden.has_bias()), *hidden.after_vector(flat), ToMap(base)
        )
        for (inputs, outputs), side in zip(pairwise(widths), larger, strict=False):  # the last side is the image's
            self.layers.append(nn.Upsample(scale_factor=2))
            self.layers.extend(transposed_convolution(inputs, outputs, side, kernel=kernel, stride=1, bias=hidden.has_bias()))
            self.layers.extend(hidden.after_map(outputs))
        self.layers.append(nn.Upsample(scale_factor=2))
        self.layers.extend(
            transposed_convolution(widths[-1], shape[0], shape[1], kernel=kernel, stride=1, bias=hidden.output_bias)
        )
        self.layers.append(make_output_activation(output_activation, value_range))
        finish(self, init, spectral_norm)

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
        widths: Width of each convolution from the image to the base; as many times the side is halved.
        hidden: Units of each linear layer but the last; may be empty.
        kernel: Side of the kernels.
        norm: In each hidden layer. ``layer`` normalises each image over channels and space; batch norm makes a logit depend
            on the other images of the batch.
        norm_position: Whether the norm comes before or after the activation.
        norm_momentum: Weight of a new batch in batch norm's running statistics.
        norm_eps: What the norms add to the variance.
        activation: In each hidden layer.
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        bias: ``auto`` leaves out the biases that a norm follows directly; ``all`` and ``none`` concern every layer.
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
        widths: Widths = (64, 64),
        hidden: Sequence[PositiveInt] = (128,),
        kernel: Kernel = 3,
        norm: Norm = "layer",
        norm_position: NormPosition = "before",
        norm_momentum: Momentum = 0.1,
        norm_eps: PositiveFloat = 1e-5,
        activation: Activation = "leaky_relu",
        slope: NonNegativeFloat | None = None,
        bias: Bias = "auto",
        spectral_norm: bool = False,
        init: Initialisation = GLOROT_UNIFORM,
    ) -> None:
        super().__init__()
        *larger, base = exact_sides(shape, len(widths))
        layer = Hidden(activation, slope, norm, norm_momentum, norm_eps, norm_position, bias)
        self.layers = nn.Sequential()
        for (inputs, width), side in zip(pairwise([shape[0] + num_classes, *widths]), larger, strict=True):
            self.layers.extend(convolution(inputs, width, side, kernel=kernel, stride=1, bias=layer.has_bias()))
            self.layers.extend([*layer.after_map(width), nn.MaxPool2d(2)])
        self.layers.append(FromMap())
        sizes = [base * base * widths[-1], *hidden]
        for inputs, width in pairwise(sizes):
            self.layers.extend([nn.Linear(inputs, width, bias=layer.has_bias()), *layer.after_vector(width)])
        self.layers.append(nn.Linear(sizes[-1], outputs, bias=layer.output_bias))
        finish(self, init, spectral_norm)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        logits: Tensor = self.layers(join_labels(x, y))
        return logits
