"""Residual blocks of maps, with norms that depend on labels and with self-attention.

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

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganexp.config.errors import ConfigError
from ganexp.networks.layer import Layer
from ganexp.networks.precision import full
from ganexp.networks.recompute import Recomputable


class Block(Recomputable):
    """Add a residual to a shortcut of the same input. ``residual`` gets the labels, too."""

    def __init__(self, residual: "Residual", shortcut: nn.Module) -> None:
        super().__init__()
        self.residual, self.shortcut = residual, shortcut

    def compute(self, x: Tensor, y: Tensor | None = None) -> Tensor:
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
        labels: Length of y, which may be any vector.
    """

    def __init__(self, norm: nn.Module, width: int, labels: int) -> None:
        super().__init__()
        self.norm = norm
        for own in ("weight", "bias"):
            norm.register_parameter(own, None)
        self.affine = nn.Linear(labels, 2 * width, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Map x with shape (B, width, H, W), and y with shape (B, num_classes), to maps with the shape of x."""
        gain, shift = self.affine(y)[..., None, None].chunk(2, dim=1)
        maps: Tensor = self.norm(x) * (1 + gain) + shift
        return maps


class SelfAttention(Recomputable):
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

    def compute(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, width, H, W) to maps with the same shape, whatever the labels are."""
        theta = self.theta(x).flatten(2)
        phi, g = (F.max_pool2d(convolution(x), 2).flatten(2) for convolution in (self.phi, self.g))
        # Written out: torch's fused attention cannot be differentiated twice, as penalties on gradients need.
        attention = torch.softmax(full(theta.transpose(1, 2) @ phi), dim=2).to(g.dtype)
        seen = (g @ attention.transpose(1, 2)).unflatten(2, x.shape[2:])
        maps: Tensor = x + self.gamma * self.o(seen)
        return maps


def up(inputs: int, outputs: int, layer: Layer, labels: int) -> Block:
    """Make a block of the generator, which doubles the size.

    Arguments:
        inputs: Channels of the maps.
        outputs: Channels of the result.
        layer: What stands before the convolutions.
        labels: Length of what the norms' scale and shift depend on; 0: on nothing.
    """
    residual = Residual(
        *_activate(layer, inputs, labels),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=layer.hidden_bias),
        *_activate(layer, outputs, labels),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=layer.output_bias),
    )
    # A 1x1 convolution gives the same before and after pixels are repeated, or averaged.
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=layer.output_bias), nn.Upsample(scale_factor=2))
    return Block(residual, shortcut)


def down(inputs: int, outputs: int, layer: Layer, *, halve: bool, first: bool) -> Block:
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


def _activate(layer: Layer, width: int, labels: int) -> list[nn.Module]:
    """Make what stands before a convolution: norm, which is the label's with classes, activation and dropout."""
    modules = layer.after_map(width)
    if labels:
        place = 0 if layer.norm_position == "before" else 1
        norm = nn.Identity() if layer.norm == "none" else modules.pop(place)
        modules.insert(place, ConditionalNorm(norm, width, labels))
    return modules


def with_attention(
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


def gains(blocks: Iterable[nn.Module]) -> dict[nn.Module, float]:
    """Make up for the half of its input that a rectifier drops, before each 3x3 convolution of the blocks."""
    residuals = (block.residual for block in blocks if isinstance(block, Block))
    return {module: 2**0.5 for residual in residuals for module in residual if isinstance(module, nn.Conv2d)}
