"""Regularizers that compare the samples of neighbouring latents, or of different ones."""

from typing import Literal

import torch
from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeFloat, PositiveFloat, PositiveInt
from ganexp.models.judging import Judged, Judgement
from ganexp.models.regularizers.base import Regularizer


def _latents(judged: Judged) -> Tensor:
    assert judged.z is not None, "generated samples have latents"
    return judged.z


class LatentConsistency(Regularizer):
    r"""Hold the discriminator's logits of generated samples under a small step of their latents (zCR).

    .. math:: w\, E[(D(G(z)) - D(G(z + \sigma n)))^2], \quad n \sim N(0, I).

    The generator's part, which keeps it from answering by ignoring z, is :class:`LatentDiversity`; with the balanced
    :class:`~ganexp.models.regularizers.consistency.Consistency` all three are improved consistency regularisation (ICR).

    References:
        Improved Consistency Regularization for GANs (Zhao et al., 2021), https://arxiv.org/abs/2002.04724

    Arguments:
        weight: Factor of the term.
        sigma: Standard deviation of each entry of the step.
        every: Discriminator updates per application.
    """

    def __init__(self, weight: NonNegativeFloat = 20.0, sigma: NonNegativeFloat = 0.05, every: PositiveInt = 1) -> None:
        super().__init__()
        self.weight, self.sigma, self.every = weight, sigma, every

    def forward(self, judgement: Judgement) -> Tensor:
        fake = judgement.fake
        x = judgement.generate(_near(self, fake, self.sigma), fake.y)
        return self.weight * (fake.logits - judgement.critic(x, fake.y)).float().square().mean()


class LatentDiversity(Regularizer):
    r"""Ask the generator for different samples from neighbouring latents: its part of zCR.

    .. math:: -w\, E[(G(z) - G(z + \sigma n))^2], \quad n \sim N(0, I),

    with the mean over all entries of a sample, too.

    References:
        Improved Consistency Regularization for GANs (Zhao et al., 2021), https://arxiv.org/abs/2002.04724

    Arguments:
        weight: Factor of the term.
        sigma: Standard deviation of each entry of the step.
        every: Generator updates per application.
    """

    player: Literal["d", "g"] = "g"

    def __init__(self, weight: NonNegativeFloat = 0.5, sigma: NonNegativeFloat = 0.05, every: PositiveInt = 1) -> None:
        super().__init__()
        self.weight, self.sigma, self.every = weight, sigma, every

    def check(self, generator: nn.Module, discriminator: nn.Module, shape: tuple[int, ...]) -> None:
        super().check(generator, discriminator, shape)
        if len(shape) != 3:
            hint = "use mode_seeking"
            raise ConfigError("this term needs images: points could be driven apart without end", "penalty", "data", hint=hint)

    def forward(self, judgement: Judgement) -> Tensor:
        fake = judgement.fake
        x = judgement.generate(_near(self, fake, self.sigma), fake.y)
        return -self.weight * (fake.x - x).float().square().mean()


class ModeSeeking(Regularizer):
    r"""Ask the generator for samples that differ as their latents do (MSGAN).

    .. math:: w \left( \frac{E|G(z) - G(z')|}{E|z - z'|} + \epsilon \right)^{-1}

    with z' the latent of another sample of the batch, given the same label, and E the mean over the batch and all entries.

    References:
        Mode Seeking Generative Adversarial Networks for Diverse Image Synthesis (Mao et al., 2019), equation 3,
        https://arxiv.org/abs/1903.05628

    Arguments:
        weight: Factor of the term.
        eps: Keeps it finite.
        every: Generator updates per application.
    """

    player: Literal["d", "g"] = "g"

    def __init__(self, weight: NonNegativeFloat = 1.0, eps: PositiveFloat = 1e-5, every: PositiveInt = 1) -> None:
        super().__init__()
        self.weight, self.eps, self.every = weight, eps, every

    def forward(self, judgement: Judgement) -> Tensor:
        fake = judgement.fake
        z = _latents(fake)
        other = z.roll(1, 0)
        apart = (fake.x - judgement.generate(other, fake.y)).float().abs().mean()
        # A batch of one has no other latent: 0 / eps, and the term is a constant.
        return self.weight / (apart / (z - other).float().abs().mean().clamp(min=self.eps) + self.eps)


def _near(regularizer: Regularizer, judged: Judged, sigma: float) -> Tensor:
    z = _latents(judged)
    return z + sigma * torch.randn(z.shape, device=z.device, dtype=z.dtype, generator=regularizer.random)
