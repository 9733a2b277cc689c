"""Penalties on the discriminator's gradient.

With D(x) one logit, the discriminator's loss gets the extra term

================  =============================================================================
class             term
================  =============================================================================
GradientPenalty   weight * E[(||grad D(e x + (1 - e) G(z))|| - target)^2], e ~ U(0, 1) per sample
Dragan            weight * E[(||grad D(x + n)|| - target)^2], n ~ N(0, (scale * std(x))^2)
                  one-sided: max(0, ||grad D(...)|| - target)^2
R1                gamma / 2 * E[||grad D(x)||^2]
R1R2              gamma / 2 * (E[||grad D(x)||^2] + E[||grad D(G(z))||^2])
================  =============================================================================

where the norm is Euclidean over all entries of one sample and E is the mean over the batch. These terms see D as a
function of one sample, so batch norm in the discriminator is refused. They are computed in float32 at least.
"""

import torch
from torch import Tensor

from ganexp.config.types import NonNegativeFloat, PositiveInt
from ganexp.models.judging import Critic, Judgement, gradient, gradients
from ganexp.models.regularizers.base import Regularizer
from ganexp.networks.precision import full


class GradientPenalty(Regularizer):
    """Keep the gradient's norm near a target on lines between real and generated samples.

    Real sample i is joined to generated sample i, each at its own point, and an interpolate has the **real** sample's
    label.

    References:
        Improved Training of Wasserstein GANs (Gulrajani et al., 2017), https://arxiv.org/abs/1704.00028

        On the regularization of Wasserstein GANs (Petzka et al., 2018), for the one-sided form,
        https://arxiv.org/abs/1709.08894

    Arguments:
        weight: Factor of the term.
        target: Norm that the gradient should have.
        one_sided: Whether only larger norms are penalised: a 1-Lipschitz function may be flat (WGAN-LP).
        every: Discriminator updates per application.
    """

    per_sample = second_order = True

    def __init__(
        self,
        weight: NonNegativeFloat = 10.0,
        target: NonNegativeFloat = 1.0,
        one_sided: bool = False,
        every: PositiveInt = 1,
    ) -> None:
        super().__init__()
        self.weight, self.target, self.one_sided, self.every = weight, target, one_sided, every

    def forward(self, judgement: Judgement) -> Tensor:
        real, fake = full(judgement.real.x), full(judgement.fake.x)
        epsilon = torch.rand(real.shape[0], *[1] * (real.dim() - 1), device=real.device, generator=self.random)
        between = torch.lerp(fake, real, epsilon)
        return self.weight * _norm_error(judgement.critic, between, judgement.real.y, self.target, self.one_sided)


class Dragan(Regularizer):
    """Keep the gradient's norm near a target around real samples.

    The paper perturbs with N(0, c I); its code measures the size in standard deviations of the batch (over all its
    values), which is what ``scale`` does here: sqrt(c) = scale * std(x).

    References:
        On Convergence and Stability of GANs (Kodali et al., 2017), https://arxiv.org/abs/1705.07215

        Its code, https://github.com/kodalinaveen3/DRAGAN

    Arguments:
        weight: Factor of the term.
        target: Norm that the gradient should have.
        scale: Standard deviation of the perturbation, in standard deviations of the real batch.
        every: Discriminator updates per application.
    """

    per_sample = second_order = True

    def __init__(
        self,
        weight: NonNegativeFloat = 10.0,
        target: NonNegativeFloat = 1.0,
        scale: NonNegativeFloat = 0.5,
        every: PositiveInt = 1,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.target = target
        self.scale = scale
        self.every = every

    def forward(self, judgement: Judgement) -> Tensor:
        real = full(judgement.real.x)
        noise = torch.randn(real.shape, device=real.device, generator=self.random)
        near = real + self.scale * real.std(correction=0) * noise
        return self.weight * _norm_error(judgement.critic, near, judgement.real.y, self.target)


class R1(Regularizer):
    """Keep the gradient small at real samples.

    References:
        Which Training Methods for GANs do actually Converge? (Mescheder et al., 2018), equation 9,
        https://arxiv.org/abs/1801.04406

    Arguments:
        gamma: Twice the factor of the squared norm.
        every: Discriminator updates per application.
    """

    per_sample = second_order = True
    differentiates = ("real",)

    def __init__(self, gamma: NonNegativeFloat = 1.0, every: PositiveInt = 1) -> None:
        super().__init__()
        self.gamma = gamma
        self.every = every

    def forward(self, judgement: Judgement) -> Tensor:
        (real,) = gradients(judgement.real)
        return real.square().sum() * (self.gamma / 2 / len(real))


class R1R2(Regularizer):
    """Keep the gradient small at real and at generated samples, which may differ in number.

    References:
        Which Training Methods for GANs do actually Converge? (Mescheder et al., 2018), equations 9 and 10,
        https://arxiv.org/abs/1801.04406

        The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al., 2024), https://arxiv.org/abs/2501.05441

    Arguments:
        gamma: Twice the factor of either squared norm.
        every: Discriminator updates per application.
    """

    per_sample = second_order = True
    differentiates = ("real", "fake")

    def __init__(self, gamma: NonNegativeFloat = 1.0, every: PositiveInt = 1) -> None:
        super().__init__()
        self.gamma = gamma
        self.every = every

    def forward(self, judgement: Judgement) -> Tensor:
        real, fake = gradients(judgement.real, judgement.fake)
        return self.gamma / 2 * (real.square().sum() / len(real) + fake.square().sum() / len(fake))


def _norm_error(critic: Critic, x: Tensor, y: Tensor, target: float, one_sided: bool = False) -> Tensor:
    # The derivative of vector_norm at zero is zero; that of a square root of a sum would be NaN.
    excess: Tensor = torch.linalg.vector_norm(gradient(critic, x, y), dim=1) - target
    return (excess.clamp(min=0) if one_sided else excess).square().mean()
