"""Consistency regularisation: the same logit for a sample and for an augmented copy."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeFloat, PositiveInt, Probability
from ganexp.models.judging import Judgement
from ganexp.models.regularizers.base import Regularizer
from ganexp.networks.precision import full


class Consistency(Regularizer):
    r"""Hold the discriminator's logits under changes T that leave the meaning of an image as it is.

    .. math:: w_R\, E[(D(x) - D(T(x)))^2] + w_F\, E[(D(G(z)) - D(T(G(z))))^2].

    T turns an image over, left to right, with probability ``flip``, and shifts it by up to ``shift`` of its sides in whole
    pixels, the border reflected. With only the first part this is consistency regularisation (CR), with both its balanced form
    (bCR).

    References:
        Consistency Regularization for Generative Adversarial Networks (Zhang et al., 2020), https://arxiv.org/abs/1910.12027

        Improved Consistency Regularization for GANs (Zhao et al., 2021), https://arxiv.org/abs/2002.04724

    Arguments:
        weight: Factor of the part of real samples.
        fake_weight: Factor of the part of generated ones; 0 leaves it out.
        flip: Probability of turning an image over.
        shift: Largest shift, as a share of the side.
        every: Discriminator updates per application.
    """

    def __init__(
        self,
        weight: NonNegativeFloat = 10.0,
        fake_weight: NonNegativeFloat = 0.0,
        flip: Probability = 0.5,
        shift: Probability = 0.125,
        every: PositiveInt = 1,
    ) -> None:
        super().__init__()
        self.weight, self.fake_weight, self.flip, self.shift, self.every = weight, fake_weight, flip, shift, every

    def check(self, generator: nn.Module, discriminator: nn.Module, shape: tuple[int, ...]) -> None:
        super().check(generator, discriminator, shape)
        if len(shape) != 3:
            raise ConfigError("consistency needs images: it flips and shifts them", "penalty", "data")

    def forward(self, judgement: Judgement) -> Tensor:
        term = judgement.real.logits.new_zeros((), dtype=torch.float32)
        for judged, weight in ((judgement.real, self.weight), (judgement.fake, self.fake_weight)):
            if weight:
                first, second = judged.logits, judgement.critic(self.change(judged.x), judged.y)
                term = term + weight * full(first - second).square().mean()
        return term

    def change(self, x: Tensor) -> Tensor:
        """Return T(x) for images with shape (B, C, H, W)."""
        count, _, height, width = x.shape
        turned = torch.rand(count, 1, 1, 1, device=x.device, generator=self.random) < self.flip
        x = torch.where(turned, x.flip(3), x)
        reach = [int(self.shift * side) for side in (height, width)]
        if not any(reach):
            return x
        padded = pad(x, (reach[1], reach[1], reach[0], reach[0]), mode="reflect")
        rows, columns = (
            torch.randint(2 * most + 1, (count, 1), device=x.device, generator=self.random)
            + torch.arange(side, device=x.device)
            for most, side in zip(reach, (height, width), strict=True)
        )
        samples = torch.arange(count, device=x.device)[:, None, None]
        return padded.permute(0, 2, 3, 1)[samples, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
