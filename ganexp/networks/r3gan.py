"""Players of R3GAN ("Config E"): residual blocks without norms, the same in both.

Each size of the maps has a stage of blocks; stages are joined by filtered resampling. Where half precision is on, the stage of
the base stays in float32. Sizes are base * 2^k: 8 = 4 * 2, 28 = 7 * 4, 32 = 4 * 8, ..., 1024 = 4 * 256.

References:
    The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al., 2024), https://arxiv.org/abs/2501.05441
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.networks.filters import Downsample, Upsample
from ganexp.networks.players import OutputActivation, Shape, ValueRange, make_output_activation
from ganexp.networks.precision import full, unmixed
from ganexp.networks.recompute import Recomputable
from ganexp.networks.sizes import Size, named, own_sizes

LARGEST = 1024
SLOPE = 0.2


class R3GANGenerator(nn.Module):
    """Map a latent vector, with an embedding of its one-hot label if any, to an image.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        channels: Channels of the maps.
        widths: Channels of the maps of each size from the base to the image, in place of ``channels``.
        blocks: Blocks per size.
        expansion: Factor of the channels inside a block.
        group_channels: Fewest channels of a group of the grouped convolutions.
        embedding: Length of a label's embedding.
        output_activation: What images go through; the paper has identity.

    Raises:
        ConfigError: The data is not made of images with a size that fits, there are more or fewer widths than sizes, or
            the output activation does not fit the value range.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        num_classes: int = 0,
        value_range: ValueRange = None,
        *,
        channels: PositiveInt = 768,
        widths: Sequence[PositiveInt] | None = None,
        blocks: PositiveInt = 2,
        expansion: PositiveInt = 2,
        group_channels: PositiveInt = 16,
        embedding: PositiveInt = 64,
        output_activation: OutputActivation = "identity",
    ) -> None:
        super().__init__()
        sizes = own_sizes(shape, LARGEST)[::-1]
        widths = _widths(sizes, channels, widths)
        self.embedding = Linear(num_classes, embedding) if num_classes else None
        self.basis = nn.Parameter(torch.randn(widths[0], *sizes[0]))
        self.scale = Linear(latent_dim + (embedding if num_classes else 0), widths[0])
        self.stages = _stages(widths, blocks, expansion, group_channels)
        self.between = nn.ModuleList(nn.Sequential(*_change(*pair), Upsample()) for pair in pairwise(widths))
        self.output = Convolution(widths[-1], shape[0], 1)
        self.activation = make_output_activation(output_activation, value_range)
        self.to(memory_format=torch.channels_last)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to images with shape (B, *shape)."""
        with unmixed(z):
            z = full(z)
            if self.embedding is not None:
                assert y is not None
                z = torch.cat([z, self.embedding(full(y))], 1)
            x = self.stages[0](self.scale(z)[..., None, None] * full(self.basis))
        for change, stage in zip(self.between, self.stages[1:], strict=True):
            x = stage(change(x))
        images: Tensor = self.activation(full(self.output(x)))
        return images


class R3GANDiscriminator(nn.Module):
    """Map an image to logits. Labels select a direction in its last features, by an embedding.

    Arguments:
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        outputs: Logits per image.
        channels: Channels of the maps.
        widths: Channels of the maps of each size from the image to the base, in place of ``channels``.
        blocks: Blocks per size.
        expansion: Factor of the channels inside a block.
        group_channels: Fewest channels of a group of the grouped convolutions.

    Raises:
        ConfigError: The data is not made of images with a size that fits, or there are more or fewer widths than sizes.
    """

    def __init__(
        self,
        shape: Shape,
        num_classes: int = 0,
        outputs: int = 1,
        *,
        channels: PositiveInt = 768,
        widths: Sequence[PositiveInt] | None = None,
        blocks: PositiveInt = 2,
        expansion: PositiveInt = 2,
        group_channels: PositiveInt = 16,
    ) -> None:
        super().__init__()
        sizes = own_sizes(shape, LARGEST)
        widths = _widths(sizes, channels, widths)
        self.outputs = outputs
        self.input = Convolution(shape[0], widths[0], 1)
        self.stages = _stages(widths, blocks, expansion, group_channels)
        self.between = nn.ModuleList(nn.Sequential(Downsample(), *_change(*pair)) for pair in pairwise(widths))
        self.base = Convolution(widths[-1], widths[-1], sizes[-1], groups=widths[-1], padding=0)
        self.output = Linear(widths[-1], outputs * (widths[-1] if num_classes else 1))
        self.embedding = Linear(num_classes, widths[-1], gain=1 / math.sqrt(widths[-1])) if num_classes else None
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        *higher, last = self.stages
        x = self.input(x)
        for stage, change in zip(higher, self.between, strict=True):
            x = change(stage(x))
        with unmixed(x):
            features: Tensor = self.output(self.base(last(full(x))).flatten(1))
            if self.embedding is None:
                return features
            assert y is not None
            return (features.unflatten(1, (self.outputs, -1)) * self.embedding(full(y))[:, None]).sum(2)


class Block(Recomputable):
    """Add to x what a 1x1, a grouped 3x3 and a 1x1 convolution make of it; at first that is nothing.

    Arguments:
        width: Channels of the maps.
        inner: Channels between the convolutions.
        groups: Groups of the 3x3 convolution.
        gain: Factor of the weights of the first two convolutions.
    """

    def __init__(self, width: int, inner: int, groups: int, gain: float) -> None:
        super().__init__()
        self.first = Convolution(width, inner, 1, gain=gain)
        self.grouped = Convolution(inner, inner, 3, groups=groups, gain=gain)
        self.last = Convolution(inner, width, 1, gain=0.0)
        self.biases = nn.Parameter(torch.zeros(2, inner))

    def compute(self, x: Tensor) -> Tensor:
        """Map x with shape (B, width, H, W) to maps with the same shape."""
        first, second = self.biases.to(x.dtype)[..., None, None]
        h = F.leaky_relu(self.first(x) + first, SLOPE)
        h = F.leaky_relu(self.grouped(h) + second, SLOPE)
        maps: Tensor = x + self.last(h)
        return maps


class Convolution(nn.Conv2d):
    """Convolve maps without a bias, in their own precision; weights begin as N(0, gain^2 / (inputs that a result depends on)).

    Arguments:
        inputs: Channels of the maps.
        outputs: Channels of the result.
        kernel: Size of the kernel, or its height and width.
        groups: Groups of channels, each convolved by itself.
        padding: Zeros on each side; None: as many as keep the size.
        gain: Factor of the weights.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int | Size, *, groups: int = 1, padding: int | None = None, gain: float = 1.0
    ) -> None:
        self.gain = gain
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        around = (height // 2, width // 2) if padding is None else padding
        super().__init__(inputs, outputs, (height, width), padding=around, groups=groups, bias=False)

    def reset_parameters(self) -> None:
        """Draw the weights."""
        nn.init.normal_(self.weight, std=self.gain / math.sqrt(self.weight[0].numel()))

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight.to(input.dtype), None)


class Linear(nn.Linear):
    """Map vectors without a bias, in their own precision; weights begin as N(0, gain^2 / inputs)."""

    def __init__(self, inputs: int, outputs: int, *, gain: float = 1.0) -> None:
        self.gain = gain
        super().__init__(inputs, outputs, bias=False)

    def reset_parameters(self) -> None:
        """Draw the weights."""
        nn.init.normal_(self.weight, std=self.gain / math.sqrt(self.in_features))

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight.to(input.dtype))


def _widths(sizes: Sequence[Size], channels: int, widths: Sequence[int] | None) -> Sequence[int]:
    if widths is not None and len(widths) != len(sizes):
        found = ", ".join(map(named, sizes))
        raise ConfigError(f"there are {len(widths)} widths for maps of {len(sizes)} sizes ({found})", "network", "data")
    return [channels] * len(sizes) if widths is None else widths


def _stages(widths: Sequence[int], blocks: int, expansion: int, group: int) -> nn.ModuleList:
    # So that many blocks do not add up to large gradients: Fixup (Zhang et al., 2019) with 3 layers per block.
    gain = math.sqrt(2 / (1 + SLOPE**2)) * (len(widths) * blocks) ** -0.25
    stages = nn.ModuleList()
    for width in widths:
        inner = width * expansion
        groups = max(count for count in range(1, max(inner // group, 1) + 1) if inner % count == 0)
        stages.append(nn.Sequential(*(Block(width, inner, groups, gain) for _ in range(blocks))))
    return stages


def _change(inputs: int, outputs: int) -> list[nn.Module]:
    return [Convolution(inputs, outputs, 1)] if inputs != outputs else []
