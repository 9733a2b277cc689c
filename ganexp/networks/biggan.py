"""The generator of BigGAN in its small form: residual blocks with norms that depend on the label and on a part of the latent.

Its discriminator is that of SNGAN with attention and projection, :class:`ganexp.networks.resnet.ResNetDiscriminator`.

References:
    Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al., 2019), https://arxiv.org/abs/1809.11096
"""

import math
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.networks.convolutions import ToMap
from ganexp.networks.initialisation import Initialisation
from ganexp.networks.layer import Layer, LayerOptions
from ganexp.networks.players import OutputActivation, Shape, ValueRange, make_output_activation
from ganexp.networks.residual import Block, gains, up, with_attention
from ganexp.networks.resnet import DOUBLINGS, PLANS
from ganexp.networks.sizes import planned


class BigGANGenerator(nn.Module):
    """Map a latent vector, with its one-hot label if any, to an image.

    The latent is cut into as many parts as there are blocks, and one for the base. The norms of a block depend linearly on its
    part and on an embedding of the label, which all blocks share.

    Arguments:
        latent_dim: Length of z.
        shape: Shape of one image, (C, H, W).
        num_classes: Length of y; 0 for none.
        value_range: Smallest and largest value in the data, None where it is unbounded.
        channels: Width of the maps next to the image; None means 384 for 28 and 32 pixels, and 64 for more, where it doubles
            with every block towards the base, up to 16 times.
        embedding: Length of a label's embedding.
        attention: Smaller side of the maps that attend to themselves; None for no attention.
        output_activation: ``auto`` fits the data's value range; another must fit it, too.
        layer: Options of :class:`ganexp.networks.layer.Layer`; the defaults here are batch norm with an eps of 1e-4, all
            biases, spectral norm and orthogonal initialisation.

    Raises:
        ConfigError: The data is not made of images of one of the sizes, z has fewer entries than parts, there are no
            maps of the size for attention, or an option does not fit the layers.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Shape,
        num_classes: int = 0,
        value_range: ValueRange = None,
        *,
        channels: PositiveInt | None = None,
        embedding: PositiveInt = 128,
        attention: PositiveInt | None = 16,
        output_activation: OutputActivation = "auto",
        **layer: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        side, base = planned(DOUBLINGS, shape)
        plan = PLANS[side]
        widths = [(channels or (384 if side <= 32 else 64)) * factor for factor in plan.generator]
        if latent_dim < len(widths):
            raise ConfigError(f"z is cut into {len(widths)} parts, but has {latent_dim} entries", "model.latent_dim")
        common = Layer.of(layer, norm="batch", norm_eps=1e-4, bias="all", spectral_norm=True, init=Initialisation("orthogonal"))
        first, *parts = (len(part) for part in torch.arange(latent_dim, device="cpu").tensor_split(len(widths)))
        self.base = nn.Sequential(nn.Linear(first, math.prod(base) * widths[0], bias=common.output_bias), ToMap(base))
        self.embedding = nn.Linear(num_classes, embedding, bias=False) if num_classes else None
        known = embedding if num_classes else 0
        layers = zip(pairwise(widths), parts, common.each(len(parts)), strict=True)
        blocks = [up(inputs, outputs, own, known + part) for (inputs, outputs), part, own in layers]
        sizes = [min(base) * 2**doublings for doublings in range(1, len(widths))]
        self.parts = len(widths)
        self.blocks = nn.ModuleList(with_attention(blocks, widths[1:], sizes, attention))
        self.output = nn.Sequential(
            *replace(common, dropout=0.0).after_map(widths[-1]),
            nn.Conv2d(widths[-1], shape[0], 3, padding=1, bias=common.output_bias),
            make_output_activation(output_activation, value_range),
        )
        common.finish(self, gains(self.blocks))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B, num_classes), to images with shape (B, *shape)."""
        first, *parts = z.tensor_split(self.parts, 1)
        known = [] if self.embedding is None else [self.embedding(y)]
        conditions = (torch.cat([*known, part], 1) for part in parts)
        x = self.base(first)
        for block in self.blocks:
            x = block(x, next(conditions)) if isinstance(block, Block) else block(x)
        images: Tensor = self.output(x)
        return images
