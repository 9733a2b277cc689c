"""Players of StyleGAN2.

The generator maps z to a style w, which scales the channels of every convolution; images of all sizes are added up. The
discriminator sees how much the samples of a group differ. Where half precision is on, styles, their norms, images and the
discriminator's end stay in float32. Sizes are base * 2^k: 8 = 4 * 2, 28 = 7 * 4, 32 = 4 * 8, ..., 1024 = 4 * 256.

References:
    Analyzing and Improving the Image Quality of StyleGAN (Karras et al., 2020), https://arxiv.org/abs/1912.04958

    Training Generative Adversarial Networks with Limited Data (Karras et al., 2020), appendix B (labels; the settings for 32
    pixels), https://arxiv.org/abs/2006.06676
"""

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganexp.config.types import PositiveInt, Probability
from ganexp.networks.equalised import Activation, EqualConv2d, EqualLinear, normalise
from ganexp.networks.filters import Filter, Upsample
from ganexp.networks.modulation import StyledLayer, ToImage
from ganexp.networks.players import OutputActivation, Shape, Styled, ValueRange, make_output_activation
from ganexp.networks.precision import full, unmixed
from ganexp.networks.recompute import Recomputable
from ganexp.networks.sizes import Size, own_sizes

LARGEST = 1024


class Mapping(nn.Module):
    """Map a latent vector, a label, or both, to a style: each is normalised, then fully connected layers.

    Arguments:
        latent_dim: Length of z; 0 for none.
        num_classes: Length of y; 0 for none.
        width: Length of the style and of the hidden layers.
        depth: Number of layers, behind the label's own one.
        copies: Number of layers that are to receive the style; 0: one style, without that dimension.
        mixing: Probability, in training, that the layers from a random one on receive the style of another latent, with the
            sample's own label. It is drawn for the purpose from N(0, 1), whatever z is drawn from: only its direction counts.
    """

    def __init__(self, latent_dim: int, num_classes: int, width: int, depth: int, copies: int = 0, mixing: float = 0.0) -> None:
        super().__init__()
        self.copies, self.mixing = copies, mixing
        self.embedding = EqualLinear(num_classes, width) if num_classes else None
        widths = [latent_dim + (width if num_classes else 0), *[width] * depth]
        self.layers = nn.Sequential()
        for inputs, outputs in pairwise(widths):
            self.layers.extend([EqualLinear(inputs, outputs, rate=0.01), Activation()])

    def forward(self, z: Tensor | None, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to styles.

        Their shape is (B, copies, width), without copies (B, width).
        """
        style = self._style(z, y)
        if not self.copies:
            return style
        styles = style[:, None].expand(-1, self.copies, -1)
        if self.mixing and self.training and z is not None:
            first = torch.randint(1, self.copies, (len(z), 1), device=z.device)
            mixed = torch.rand(len(z), 1, device=z.device) < self.mixing
            others = mixed & (torch.arange(self.copies, device=z.device) >= first)
            styles = torch.where(others[..., None], self._style(torch.randn_like(z), y)[:, None], styles)
        return styles

    def _style(self, z: Tensor | None, y: Tensor | None) -> Tensor:
        found = [] if z is None else [normalise(full(z))]
        if self.embedding is not None:
            assert y is not None
            found.append(normalise(self.embedding(y)))
        style: Tensor = self.layers(torch.cat(found, 1))
        return style


class StyleGAN2Generator(Styled):
    """Map a latent vector, with its one-hot label if any, to an image.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        channels: Most channels of a map.
        channels_times_size: Maps have at most this many channels times their larger side.
        style_dim: Length of a style, and width of the layers that map z to it.
        mapping_layers: Number of these layers.
        mixing: Probability, in training, that an image is drawn with the styles of two latents, one for the layers before a
            random one, the other for those behind it (the paper's style mixing).
        output_activation: What images go through; the paper has identity.

    Raises:
        ConfigError: The data is not made of images with a size that fits, or the output activation does not fit the
            value range.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        num_classes: int = 0,
        value_range: ValueRange = None,
        *,
        channels: PositiveInt = 512,
        channels_times_size: PositiveInt = 32768,
        style_dim: PositiveInt = 512,
        mapping_layers: PositiveInt = 8,
        mixing: Probability = 0.0,
        output_activation: OutputActivation = "identity",
    ) -> None:
        super().__init__()
        base, *larger = reversed(own_sizes(shape, LARGEST))
        width, *others = _widths([base, *larger], channels, channels_times_size)
        # One style for each convolution, and one for the last image; the other images share that of the next convolution.
        self.mapping = Mapping(latent_dim, num_classes, style_dim, mapping_layers, 2 * len(larger) + 2, mixing)
        self.constant = nn.Parameter(torch.randn(width, *base))
        self.first = StyledLayer(width, width, style_dim, base)
        self.images = nn.ModuleList([ToImage(width, shape[0], style_dim)])
        self.ups, self.layers = nn.ModuleList(), nn.ModuleList()
        for (inputs, outputs), size in zip(pairwise([width, *others]), larger, strict=True):
            self.ups.append(StyledLayer(inputs, outputs, style_dim, size, up=True))
            self.layers.append(StyledLayer(outputs, outputs, style_dim, size))
            self.images.append(ToImage(outputs, shape[0], style_dim))
        self.upsample = Upsample()
        self.output = make_output_activation(output_activation, value_range)
        self.to(memory_format=torch.channels_last)

    def draw(self, styles: Tensor) -> Tensor:
        """Map styles with shape (B, layers, style_dim) to images with shape (B, *shape)."""
        w = styles.unbind(1)
        first, *others = self.images
        x = self.first(self.constant.expand(len(styles), -1, -1, -1), w[0])
        image = first(x, w[1])
        for i, (up, layer, to_image) in enumerate(zip(self.ups, self.layers, others, strict=True)):
            x = layer(up(x, w[2 * i + 1]), w[2 * i + 2])
            with unmixed(image):
                image = self.upsample(image)
            image = image + to_image(x, w[2 * i + 3])
        images: Tensor = self.output(image)
        return images


class StyleGAN2Discriminator(nn.Module):
    """Map an image to logits. Labels select a direction in its last features, by a mapping of their own.

    Arguments:
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        outputs: Logits per image.
        channels: Most channels of a map.
        channels_times_size: Maps have at most this many channels times their larger side.
        blocks: ``resnet`` adds a shortcut around each two convolutions, ``plain`` has none.
        group_samples: Samples per group whose standard deviation is one more map (:class:`GroupDeviation`); with 1 each sample
            is judged by itself.
        mapping_layers: Number of layers that map a label to a direction.

    Raises:
        ConfigError: The data is not made of images with a size that fits.
    """

    def __init__(
        self,
        shape: Shape,
        num_classes: int = 0,
        outputs: int = 1,
        *,
        channels: PositiveInt = 512,
        channels_times_size: PositiveInt = 32768,
        blocks: Literal["resnet", "plain"] = "resnet",
        group_samples: PositiveInt = 32,
        mapping_layers: PositiveInt = 8,
    ) -> None:
        super().__init__()
        sizes = own_sizes(shape, LARGEST)
        widths = _widths(sizes, channels, channels_times_size)
        self.blocks = nn.Sequential(EqualConv2d(shape[0], widths[0], 1), Activation())
        self.blocks.extend(Block(*pair, shortcut=blocks == "resnet") for pair in pairwise(widths))
        width, base = widths[-1], sizes[-1]
        self.outputs = outputs
        self.last = nn.Sequential(
            GroupDeviation(group_samples),
            EqualConv2d(width + 1, width, 3),
            Activation(),
            nn.Flatten(),
            EqualLinear(width * math.prod(base), width),
            Activation(),
            EqualLinear(width, outputs * (width if num_classes else 1)),
        )
        self.mapping = Mapping(0, num_classes, width, mapping_layers) if num_classes else None
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Map x with shape (B, *shape), and y with shape (B, num_classes), to logits with shape (B, outputs)."""
        maps = self.blocks(x)
        with unmixed(maps):
            features: Tensor = self.last(full(maps))
            if self.mapping is None:
                return features
            direction = self.mapping(None, y)
            return (features.unflatten(1, (self.outputs, -1)) * direction[:, None]).sum(2) / math.sqrt(direction.shape[1])


class Block(Recomputable):
    """Two 3x3 convolutions, the second of which halves the size, and a shortcut around them if there is one.

    Arguments:
        inputs: Channels of the maps.
        outputs: Channels of the result.
        shortcut: Whether there is a shortcut; the sum is divided by sqrt(2).
    """

    def __init__(self, inputs: int, outputs: int, *, shortcut: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            EqualConv2d(inputs, inputs, 3),
            Activation(),
            Filter(padding=2),
            EqualConv2d(inputs, outputs, 3, stride=2),
            Activation(),
        )
        self.shortcut = (
            nn.Sequential(Filter(padding=1), EqualConv2d(inputs, outputs, 1, stride=2, bias=False)) if shortcut else None
        )

    def compute(self, x: Tensor) -> Tensor:
        """Map x with shape (B, inputs, H, W) to maps with shape (B, outputs, H / 2, W / 2)."""
        maps: Tensor = self.layers(x)
        return maps if self.shortcut is None else (maps + self.shortcut(x)) * math.sqrt(0.5)


class GroupDeviation(nn.Module):
    """Append one map to those of each sample: the mean standard deviation of all features over the samples of its group.

    Of n samples in m = ceil(n / group) groups, sample i is in group i mod m.

    References:
        Progressive Growing of GANs for Improved Quality, Stability, and Variation (Karras et al., 2018), section 3,
        https://arxiv.org/abs/1710.10196

    Arguments:
        group: Most samples of a group.
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """Map x with shape (B, C, H, W) to maps with shape (B, C + 1, H, W)."""
        groups = -(-len(x) // self.group)
        mine = torch.arange(len(x), device=x.device) % groups
        members = (mine == torch.arange(groups, device=x.device)[:, None]).to(x.dtype)
        share = members / members.sum(1, keepdim=True)
        flat = x.flatten(1)
        variance = share @ (flat - members.T @ (share @ flat)).square()
        deviation = (members.T @ (variance + 1e-8).sqrt().mean(1, keepdim=True))[..., None, None]
        return torch.cat([x, deviation.expand(-1, 1, *x.shape[2:])], 1)


def _widths(sizes: list[Size], channels: int, channels_times_size: int) -> list[int]:
    return [max(min(channels, channels_times_size // max(size)), 1) for size in sizes]
