"""The penalty on path lengths: a step of a style changes the image as much wherever it is made."""

import math
from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.config.types import Fraction, NonNegativeFloat, PositiveInt
from ganexp.models.functional import total
from ganexp.models.judging import Judgement
from ganexp.models.regularizers.base import Regularizer
from ganexp.networks.players import Styled
from ganexp.networks.precision import full, unmixed


class PathLength(Regularizer):
    r"""Keep the length of the generator's derivative by its styles near its moving mean.

    With :math:`y = G(w)` and n standard normal noise over the P pixels of an image, the term is

    .. math:: \lambda\, E[(l - a)^2], \quad
        l = \sqrt{\frac{1}{L} \sum_{i=1}^{L} \lVert \nabla_{w_i} \textstyle\sum y n / \sqrt{P} \rVert^2},

    with the mean over the L layers that receive a style, as the authors compute it, and a the moving mean of l, this batch
    included, and those of all processes of a run. It is made from the first of the update's latents, again: a share of
    1 / ``shrink`` of them.

    References:
        Analyzing and Improving the Image Quality of StyleGAN (Karras et al., 2020), section 3.2 and appendix B,
        https://arxiv.org/abs/1912.04958

    Arguments:
        weight: The factor :math:`\lambda`.
        decay: What is left of the mean after an update with a term.
        shrink: Latents of an update for each that the term takes.
        every: Generator updates per application.
    """

    player: Literal["d", "g"] = "g"
    second_order = True
    mean: Tensor
    lengths: Tensor

    def __init__(
        self, weight: NonNegativeFloat = 2.0, decay: Fraction = 0.99, shrink: PositiveInt = 2, every: PositiveInt = 4
    ) -> None:
        super().__init__()
        self.weight, self.decay, self.shrink, self.every = weight, decay, shrink, every
        self.register_buffer("mean", torch.zeros(()))
        # The sum and the number of this update's lengths: micro-batches count as one batch.
        self.register_buffer("lengths", torch.zeros(2), persistent=False)

    def check(self, generator: nn.Module, discriminator: nn.Module, shape: tuple[int, ...]) -> None:
        super().check(generator, discriminator, shape)
        if not isinstance(generator, Styled):
            raise ConfigError(
                "path lengths are those of styles, and this generator has no mapping to styles",
                "penalty",
                "network",
                hint="use network=stylegan2",
            )

    def forward(self, judgement: Judgement) -> Tensor:
        fake, generator = judgement.fake, cast(Styled, judgement.network)
        assert fake.z is not None, "generated samples have latents"
        few = max(len(fake.z) // self.shrink, 1)
        with unmixed(fake.z):
            styles = judgement.styles(fake.z[:few], fake.y[:few])
            images = full(generator.draw(styles))
            noise = torch.randn(images.shape, device=images.device, dtype=images.dtype, generator=self.random)
            change = (images * noise).sum() / math.sqrt(math.prod(images.shape[2:]))
            (slopes,) = torch.autograd.grad(change, styles, create_graph=True)
            lengths = slopes.square().sum(2).mean(1).sqrt()
        found = torch.stack([lengths.detach().sum(), lengths.new_full((), few)])
        self.lengths.add_(found.to(self.lengths.dtype))
        length, count = total(found)
        mean = torch.lerp(length / count, self.mean.to(length.dtype), self.decay)
        return self.weight * (lengths - mean).square().mean()

    @torch.no_grad()
    def after_update(self, network: nn.Module, judgements: Sequence[Judgement]) -> None:
        """Move the mean, where there was a term."""
        length, count = total(self.lengths)
        moved = torch.lerp(length / count.clamp(min=1), self.mean, self.decay)
        self.mean.copy_(torch.where(count > 0, moved, self.mean))
        self.lengths.zero_()
