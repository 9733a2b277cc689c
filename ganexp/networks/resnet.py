"""Residual players of SNGAN, for square images of 28, 32, 48 or 64 pixels, with SAGAN's self-attention as an option.

A block adds what two 3x3 convolutions compute to a shortcut around them. In the generator every block doubles the size by
repeating pixels, in the discriminator some halve it by averaging 2x2 pixels. Activations come before the convolutions and never
change their input in place: the shortcut gets what the block gets.

References:
    Spectral Normalization for Generative Adversarial Networks (Miyato et al., 2018), appendix B.4,
    https://arxiv.org/abs/1802.05957

    cGANs with Projection Discriminator (Miyato and Koyama, 2018), appendix D (conditional batch norm),
    https://arxiv.org/abs/1802.05637

    Self-Attention Generative Adversarial Networks (Zhang et al., 2019), https://arxiv.org/abs/1805.08318
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.networks.convolutions import ToMap
from ganexp.networks.initialisation import GLOROT_UNIFORM
from ganexp.networks.layer import Layer, LayerOptions
from ganexp.networks.players import OutputActivation, Shape, ValueRange, join_labels, make_output_activation
from ganexp.networks.sizes import one_of


class _Plan(NamedTuple):
    """Widths are those of the maps from base to image (generator) and from image to base, in units of ``channels``."""

    base: int
    generator: tuple[int, ...]
    discriminator: tuple[int, ...]
    halvings: int
    g_channels: int
    d_channels: int


_PLANS = {
    28: _Plan(7, (1, 1, 1), (1, 1, 1, 1), 2, 256, 128),
    32: _Plan(4, (1, 1, 1, 1), (1, 1, 1, 1), 2, 256, 128),
    48: _Plan(6, (8, 4, 2, 1), (1, 2, 4, 8, 16), 4, 64, 64),
    64: _Plan(4, (16, 8, 4, 2, 1), (1, 2, 4, 8, 16), 5, 64, 64),
}


class ResNetGenerator(nn.Module):
    """Map a latent vector to an image. Labels, if any, are in the norms of the blocks; see :class:`ConditionalNorm`.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        channels: Width of the maps next to the image; None means the published 256 for 28 and 32 pixels, and 64 for 48 and 64
            pixels, where it doubles with every block towards the base.
        attention: Size of the maps that attend to themselves; None for no attention.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are batch norm, all biases and Glorot's
            uniform initialisation, which has a gain of sqrt(2) in the 3x3 convolutions of the blocks.

    Raises:
        ConfigError: The data is not made of square images of one of these sizes, there are no maps of the size for attention,
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
        plan = _PLANS[one_of(_PLANS, shape)]
        widths = [(channels or plan.g_channels) * factor for factor in plan.generator]
        common = Layer.of(layer, norm="batch", bias="all", init=GLOROT_UNIFORM)
        flat = plan.base**2 * widths[0]
        self.base = nn.Sequential(nn.Linear(latent_dim, flat, bias=common.output_bias), ToMap(plan.base))
        layers = zip(pairwise(widths), common.each(len(widths) - 1), strict=True)
        blocks = [_up(inputs, outputs, own, num_classes) for (inputs, outputs), own in layers]
        sizes = [plan.base * 2**doublings for doublings in range(1, len(widths))]
        self.blocks = nn.ModuleList(_with_attention(blocks, widths[1:], sizes, attention))
        self.output = nn.Sequential(
            *replace(common, dropout=0.0).after_map(widths[-1]),
            nn.Conv2d(widths[-1], shape[0], 3, padding=1, bias=common.output_bias),
            make_output_activation(output_activation, value_range),
        )
        common.finish(self, _gains(self.blocks))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to images with shape (B, *shape)."""
        x = self.base(z)
        for block in self.blocks:
            x = block(x, y)
        images: Tensor = self.output(x)
        return images


class ResNetDiscriminator(nn.Module):
    """Map an image to logits, linear in the sums of the last maps. A label adds one constant map per class to the image.

    Arguments:
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        outputs: Logits per image.
        channels: Width of the maps next to the image; None means the published 128 for 28 and 32 pixels, and 64 for 48 and 64
            pixels, where it doubles with every block towards the base.
        attention: Size of the maps that attend to themselves, the first of that size; None for no attention.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are spectral norm, no other norm, all
            biases and Glorot's uniform initialisation, which has a gain of sqrt(2) in the 3x3 convolutions of the blocks.

    Raises:
        ConfigError: The data is not made of square images of one of these sizes, there are no maps of the size for attention,
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
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        size = one_of(_PLANS, shape)
        plan = _PLANS[size]
        widths = [(channels or plan.d_channels) * factor for factor in plan.discriminator]
        common = Layer.of(layer, bias="all", spectral_norm=True, init=GLOROT_UNIFORM)
        sizes = [size // 2 ** min(depth, plan.halvings) for depth in range(len(widths) + 1)]
        layers = zip(pairwise([shape[0] + num_classes, *widths]), pairwise(sizes), common.each(len(widths)), strict=True)
        blocks = [_down(*channels, own, halve=large != small, first=large == size) for channels, (large, small), own in layers]
        self.blocks = nn.Sequential(*_with_attention(blocks, widths, sizes[1:], attention))
        self.activation = nn.Sequential(*replace(common, dropout=0.0).after_map(widths[-1]))
        self.output = nn.Linear(widths[-1], outputs, bias=common.output_bias)
        common.finish(self, _gains(self.blocks))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        maps = self.activation(self.blocks(join_labels(x, y)))
        logits: Tensor = self.output(maps.sum((2, 3)))
        return logits


class Block(nn.Module):
    """Add a residual to a shortcut of the same input. ``residual`` gets the labels, too."""

    def __init__(self, residual: "Residual", shortcut: nn.Module) -> None:
        super().__init__()
        self.residual, self.shortcut = residual, shortcut

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, C, H, W), and y with shape (B, num_classes), to maps."""
        maps: Tensor = self.shortcut(x) + self.residual(x, y)
        return maps


class Residual(nn.Sequential):
    """Chain modules, and hand the labels to those that take them."""

    def forward(self, input: Tensor, y: Tensor | None = None) -> Tensor:
        for module in self:
            input = module(input, y) if isinstance(module, ConditionalNorm) else module(input)
        return input


class ConditionalNorm(nn.Module):
    """Normalise maps, then scale each channel by 1 + gain(y) and shift it by shift(y), both linear in the one-hot label y.

    Arguments:
        norm: A norm of maps; it loses its own scale and shift.
        width: Channels of the maps.
        num_classes: Length of y.
    """

    def __init__(self, norm: nn.Module, width: int, num_classes: int) -> None:
        super().__init__()
        self.norm = norm
        for own in ("weight", "bias"):
            norm.register_parameter(own, None)
        self.affine = nn.Linear(num_classes, 2 * width, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Map x with shape (B, width, H, W), and y with shape (B, num_classes), to maps with the shape of x."""
        gain, shift = self.affine(y)[..., None, None].chunk(2, dim=1)
        maps: Tensor = self.norm(x) * (1 + gain) + shift
        return maps


class SelfAttention(nn.Module):
    r"""Let every pixel of some maps attend to all of them: :math:`x + \gamma\, o(g A^\top)`, with :math:`\gamma = 0` at first.

    :math:`A = \mathrm{softmax}(\theta^\top \phi)` over the keys. All four are 1x1 convolutions without biases:
    :math:`\theta` and :math:`\phi` to an eighth of the channels, g to half of them, and o back. :math:`\phi` and g keep the
    largest of each 2x2 pixels.

    Arguments:
        width: Channels of the maps.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        keys, values = max(width // 8, 1), max(width // 2, 1)
        self.theta = nn.Conv2d(width, keys, 1, bias=False)
        self.phi = nn.Conv2d(width, keys, 1, bias=False)
        self.g = nn.Conv2d(width, values, 1, bias=False)
        self.o = nn.Conv2d(values, width, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, width, H, W) to maps with the same shape, whatever the labels are."""
        theta = self.theta(x).flatten(2)
        phi, g = (F.max_pool2d(convolution(x), 2).flatten(2) for convolution in (self.phi, self.g))
        # Written out: torch's fused attention cannot be differentiated twice, as penalties on gradients need.
        attention = torch.softmax(theta.transpose(1, 2) @ phi, dim=2)
        seen = (g @ attention.transpose(1, 2)).unflatten(2, x.shape[2:])
        maps: Tensor = x + self.gamma * self.o(seen)
        return maps


def _up(inputs: int, outputs: int, layer: Layer, num_classes: int) -> Block:
    residual = Residual(
        *_activate(layer, inputs, num_classes),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=layer.hidden_bias),
        *_activate(layer, outputs, num_classes),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=layer.output_bias),
    )
    # A 1x1 convolution gives the same before and after pixels are repeated, or averaged.
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=layer.output_bias), nn.Upsample(scale_factor=2))
    return Block(residual, shortcut)


def _down(inputs: int, outputs: int, layer: Layer, *, halve: bool, first: bool) -> Block:
    """Make a block of the discriminator; the first one gets an image, so that no activation stands before it."""
    width = outputs if first else inputs
    pool = [nn.AvgPool2d(2)] if halve else []
    residual = Residual(
        *([] if first else layer.after_map(inputs)),
        nn.Conv2d(inputs, width, 3, padding=1, bias=layer.hidden_bias),
        *layer.after_map(width),
        nn.Conv2d(width, outputs, 3, padding=1, bias=layer.output_bias),
        *pool,
    )
    change = [nn.Conv2d(inputs, outputs, 1, bias=layer.output_bias)] if halve or inputs != outputs else []
    return Block(residual, nn.Sequential(*pool, *change))


def _activate(layer: Layer, width: int, num_classes: int) -> list[nn.Module]:
    """Make what stands before a convolution: norm, which is the label's with classes, activation and dropout."""
    modules = layer.after_map(width)
    if num_classes:
        place = 0 if layer.norm_position == "before" else 1
        norm = nn.Identity() if layer.norm == "none" else modules.pop(place)
        modules.insert(place, ConditionalNorm(norm, width, num_classes))
    return modules


def _with_attention(
    blocks: Sequence[Block], widths: Sequence[int], sizes: Sequence[int], attention: int | None
) -> list[nn.Module]:
    """Put attention behind the first block whose maps have its size, given the width and the size of each block's maps."""
    if attention is None:
        return [*blocks]
    if attention not in sizes:
        choices = ", ".join(map(str, dict.fromkeys(sizes)))
        raise ConfigError(f"there are no maps of size {attention} for attention", "network", hint=f"choices: {choices}, null")
    before = sizes.index(attention) + 1
    return [*blocks[:before], SelfAttention(widths[before - 1]), *blocks[before:]]


def _gains(blocks: Iterable[nn.Module]) -> dict[nn.Module, float]:
    """Make up for the half of its input that a rectifier drops, before each 3x3 convolution of the blocks."""
    residuals = (block.residual for block in blocks if isinstance(block, Block))
    return {module: 2**0.5 for residual in residuals for module in residual if isinstance(module, nn.Conv2d)}
