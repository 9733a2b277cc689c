"""Residual players of SNGAN, for images of 28, 32, 48, 64, 96 or 128 pixels, with SAGAN's self-attention as an option.

That is their smaller side; the other one is halved as often: 48x64 has a base of 6x8. Where half precision is on, the softmax
of attention and the end of the discriminator, from the sums of the last maps, stay in float32.

References:
    Spectral Normalization for Generative Adversarial Networks (Miyato et al., 2018), appendix B.4,
    https://arxiv.org/abs/1802.05957

    cGANs with Projection Discriminator (Miyato and Koyama, 2018), https://arxiv.org/abs/1802.05637

    Self-Attention Generative Adversarial Networks (Zhang et al., 2019), https://arxiv.org/abs/1805.08318
"""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Literal, NamedTuple

from torch import Tensor, nn
from typing_extensions import Unpack

from ganexp.config.types import PositiveInt
from ganexp.networks.convolutions import ToMap
from ganexp.networks.initialisation import GLOROT_UNIFORM
from ganexp.networks.layer import Layer, LayerOptions
from ganexp.networks.players import OutputActivation, Shape, ValueRange, join_labels, make_output_activation
from ganexp.networks.precision import full, mixed, unmixed
from ganexp.networks.residual import down, gains, up, with_attention
from ganexp.networks.sizes import planned


class Plan(NamedTuple):
    """Widths are those of the maps from base to image (generator) and from image to base, in units of ``channels``."""

    generator: tuple[int, ...]
    discriminator: tuple[int, ...]
    halvings: int
    g_channels: int
    d_channels: int


PLANS = {
    28: Plan((1, 1, 1), (1, 1, 1, 1), 2, 256, 128),
    32: Plan((1, 1, 1, 1), (1, 1, 1, 1), 2, 256, 128),
    48: Plan((8, 4, 2, 1), (1, 2, 4, 8, 16), 4, 64, 64),
    64: Plan((16, 8, 4, 2, 1), (1, 2, 4, 8, 16), 5, 64, 64),
    96: Plan((16, 8, 4, 2, 1), (1, 2, 4, 8, 16), 5, 64, 64),
    128: Plan((16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), 5, 64, 64),
}
"""By the smaller side of the images: 7 * 4 = 28, 4 * 8 = 32, 6 * 8 = 48 and so on."""

DOUBLINGS = {side: len(plan.generator) - 1 for side, plan in PLANS.items()}


class ResNetGenerator(nn.Module):
    """Map a latent vector to an image. Labels, if any, are in the norms of the blocks; see :class:`ConditionalNorm`.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        channels: Width of the maps next to the image; None means the published 256 for 28 and 32 pixels, and 64 for more,
            where it doubles with every block towards the base, up to 16 times.
        attention: Smaller side of the maps that attend to themselves; None for no attention.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are batch norm, all biases and Glorot's
            uniform initialisation, which has a gain of sqrt(2) in the 3x3 convolutions of the blocks.

    Raises:
        ConfigError: The data is not made of images of one of these sizes, there are no maps of the size for attention,
            or an option does not fit the layers.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        num_classes: int = 0,
        value_range: ValueRange = None,
        *,
        channels: PositiveInt | None = None,
        attention: PositiveInt | None = None,
        output_activation: OutputActivation = "auto",
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        side, base = planned(DOUBLINGS, shape)
        plan = PLANS[side]
        widths = [(channels or plan.g_channels) * factor for factor in plan.generator]
        common = Layer.of(layer, norm="batch", bias="all", init=GLOROT_UNIFORM)
        flat = math.prod(base) * widths[0]
        self.base = nn.Sequential(nn.Linear(latent_dim, flat, bias=common.output_bias), ToMap(base))
        layers = zip(pairwise(widths), common.each(len(widths) - 1), strict=True)
        blocks = [up(inputs, outputs, own, num_classes) for (inputs, outputs), own in layers]
        sizes = [min(base) * 2**doublings for doublings in range(1, len(widths))]
        self.blocks = nn.ModuleList(with_attention(blocks, widths[1:], sizes, attention))
        self.output = nn.Sequential(
            *replace(common, dropout=0.0).after_map(widths[-1]),
            nn.Conv2d(widths[-1], shape[0], 3, padding=1, bias=common.output_bias),
            make_output_activation(output_activation, value_range),
        )
        common.finish(self, gains(self.blocks))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to images with shape (B, *shape)."""
        x = self.base(z)
        for block in self.blocks:
            x = block(x, y)
        images: Tensor = self.output(x)
        return images


class ResNetDiscriminator(nn.Module):
    """Map an image to logits, linear in the sums of the last maps.

    Arguments:
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        outputs: Logits per image.
        channels: Width of the maps next to the image; None means the published 128 for 28 and 32 pixels, and 64 for more,
            where it doubles with every block towards the base, up to 16 times.
        attention: Smaller side of the maps that attend to themselves, the first of that size; None for no attention.
        labels: Where labels, if any, come in: ``input`` adds one constant map per class to the image, ``projection`` adds to
            the logits the product of the sums with an embedding of the label.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are spectral norm, no other norm, all
            biases and Glorot's uniform initialisation, which has a gain of sqrt(2) in the 3x3 convolutions of the blocks.

    Raises:
        ConfigError: The data is not made of images of one of these sizes, there are no maps of the size for attention,
            or an option does not fit the layers.
    """

    def __init__(
        self,
        shape: Shape,
        num_classes: int = 0,
        outputs: int = 1,
        *,
        channels: PositiveInt | None = None,
        attention: PositiveInt | None = None,
        labels: Literal["input", "projection"] = "input",
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        size, _ = planned(DOUBLINGS, shape)
        plan = PLANS[size]
        widths = [(channels or plan.d_channels) * factor for factor in plan.discriminator]
        common = Layer.of(layer, bias="all", spectral_norm=True, init=GLOROT_UNIFORM)
        sizes = [size // 2 ** min(depth, plan.halvings) for depth in range(len(widths) + 1)]
        projected = num_classes if labels == "projection" else 0
        layers = zip(
            pairwise([shape[0] + num_classes - projected, *widths]), pairwise(sizes), common.each(len(widths)), strict=True
        )
        blocks = [down(*channels, own, halve=large != small, first=large == size) for channels, (large, small), own in layers]
        self.blocks = nn.Sequential(*with_attention(blocks, widths, sizes[1:], attention))
        self.activation = nn.Sequential(*replace(common, dropout=0.0).after_map(widths[-1]))
        self.output = nn.Linear(widths[-1], outputs, bias=common.output_bias)
        self.embedding = nn.Linear(projected, widths[-1], bias=False) if projected else None
        common.finish(self, gains(self.blocks))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        maps = self.activation(self.blocks(join_labels(x, y if self.embedding is None else None)))
        maps = full(maps) if mixed(maps) else maps
        with unmixed(maps):
            features = maps.sum((2, 3))
            logits: Tensor = self.output(features)
            if self.embedding is None:
                return logits
            assert y is not None
            return logits + (self.embedding(y.to(features.dtype)) * features).sum(1, keepdim=True)
