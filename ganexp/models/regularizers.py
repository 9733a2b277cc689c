"""What the discriminator's gradient, or its weights, must obey.

With D(x) one logit, the discriminator's loss gets the extra term

================  =============================================================================
class             term
================  =============================================================================
GradientPenalty   weight * E[(||grad D(e x + (1 - e) G(z))|| - target)^2], e ~ U(0, 1) per sample
Dragan            weight * E[(||grad D(x + n)|| - target)^2], n ~ N(0, (scale * std(x))^2)
R1                gamma / 2 * E[||grad D(x)||^2]
R1R2              gamma / 2 * (E[||grad D(x)||^2] + E[||grad D(G(z))||^2])
================  =============================================================================

where the norm is Euclidean over all entries of one sample and E is the mean over the batch. These terms see D as a
function of one sample, so batch norm in the discriminator is refused. :class:`WeightClip` adds no term: it limits the
weights after each update.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeFloat, PositiveFloat, PositiveInt

Critic = Callable[[Tensor, Tensor], Tensor]


class Penalty(ABC):
    """Regularise the discriminator.

    Attributes:
        active: Whether calling it gives a term; otherwise it is never called.
        per_sample: Whether logit i may depend on sample i alone.
        every: Apply the term at every ``every``-th discriminator update only, ``every`` times as strongly. The caller
            does both.
    """

    active: ClassVar[bool] = True
    per_sample: ClassVar[bool] = False
    every: int = 1

    @abstractmethod
    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, y: Tensor, fake_y: Tensor) -> Tensor:
        """Compute the term to add to the discriminator's loss, a scalar in float32 with the penalty's own weight.

        Arguments:
            critic: Maps samples and their labels to logits with shape (B,).
            real: Real samples, with shape (B, *).
            fake: As many generated ones. No gradient reaches their generator.
            y: Labels of the real samples, with shape (B,).
            fake_y: Labels of the generated samples.
        """

    def constrain(self, discriminator: nn.Module) -> None:  # noqa: B027 (most penalties constrain nothing)
        """Limit the discriminator's weights in place, after each of its updates."""

    def check(self, discriminator: nn.Module) -> None:
        """Refuse a discriminator to which the penalty does not apply.

        Raises:
            ConfigError: The penalty is per sample, and the discriminator has batch norm.
        """
        if self.per_sample and any(isinstance(module, _BatchNorm) for module in discriminator.modules()):
            raise ConfigError(
                "batch norm makes a logit depend on the whole batch, which this penalty on sample gradients forbids",
                "network.discriminator.norm",
                "penalty",
                hint="use network.discriminator.norm=layer or none, or penalty=none",
            )


class NoPenalty(Penalty):
    """Leave the discriminator free."""

    active = False

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, y: Tensor, fake_y: Tensor) -> Tensor:
        return real.new_zeros((), dtype=torch.float32)


class WeightClip(Penalty):
    """Clip every weight of the discriminator after each update.

    References:
        Wasserstein Generative Adversarial Networks (Arjovsky et al., 2017), algorithm 1,
        https://arxiv.org/abs/1701.07875

    Arguments:
        limit: Largest magnitude of a weight.
    """

    active = False

    def __init__(self, limit: PositiveFloat = 0.01) -> None:
        self.limit = limit

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, y: Tensor, fake_y: Tensor) -> Tensor:
        return real.new_zeros((), dtype=torch.float32)

    @torch.no_grad()
    def constrain(self, discriminator: nn.Module) -> None:
        for parameter in discriminator.parameters():
            parameter.clamp_(-self.limit, self.limit)


class GradientPenalty(Penalty):
    """Keep the gradient's norm near a target on lines between real and generated samples.

    Real sample i is joined to generated sample i, each at its own point, and an interpolate has the **real** sample's
    label.

    References:
        Improved Training of Wasserstein GANs (Gulrajani et al., 2017), https://arxiv.org/abs/1704.00028

    Arguments:
        weight: Factor of the term.
        target: Norm that the gradient should have.
        every: Discriminator updates per application.
    """

    per_sample = True

    def __init__(self, weight: NonNegativeFloat = 10.0, target: NonNegativeFloat = 1.0, every: PositiveInt = 1) -> None:
        self.weight = weight
        self.target = target
        self.every = every

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, y: Tensor, fake_y: Tensor) -> Tensor:
        real, fake = real.float(), fake.float()
        epsilon = torch.rand(real.shape[0], *[1] * (real.dim() - 1), device=real.device)
        return self.weight * _norm_error(critic, torch.lerp(fake, real, epsilon), y, self.target)


class Dragan(Penalty):
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

    per_sample = True

    def __init__(
        self,
        weight: NonNegativeFloat = 10.0,
        target: NonNegativeFloat = 1.0,
        scale: NonNegativeFloat = 0.5,
        every: PositiveInt = 1,
    ) -> None:
        self.weight = weight
        self.target = target
        self.scale = scale
        self.every = every

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, y: Tensor, fake_y: Tensor) -> Tensor:
        real = real.float()
        near = real + self.scale * real.std(correction=0) * torch.randn_like(real)
        return self.weight * _norm_error(critic, near, y, self.target)


class R1(Penalty):
    """Keep the gradient small at real samples.

    References:
        Which Training Methods for GANs do actually Converge? (Mescheder et al., 2018), equation 9,
        https://arxiv.org/abs/1801.04406

    Arguments:
        gamma: Twice the factor of the squared norm.
        every: Discriminator updates per application.
    """

    per_sample = True

    def __init__(self, gamma: NonNegativeFloat = 1.0, every: PositiveInt = 1) -> None:
        self.gamma = gamma
        self.every = every

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, y: Tensor, fake_y: Tensor) -> Tensor:
        return self.gamma / 2 * _gradients(critic, real, y).square().sum() / real.shape[0]


class R1R2(Penalty):
    """Keep the gradient small at real and at generated samples, which may differ in number.

    References:
        Which Training Methods for GANs do actually Converge? (Mescheder et al., 2018), equations 9 and 10,
        https://arxiv.org/abs/1801.04406

        The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al., 2024), https://arxiv.org/abs/2501.05441

    Arguments:
        gamma: Twice the factor of either squared norm.
        every: Discriminator updates per application.
    """

    per_sample = True

    def __init__(self, gamma: NonNegativeFloat = 1.0, every: PositiveInt = 1) -> None:
        self.gamma = gamma
        self.every = every

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, y: Tensor, fake_y: Tensor) -> Tensor:
        # One pass over both is legal, as logits are per sample. With small batches of points it is a sixth faster than two, and
        # it starts half as many kernels; on images a CPU takes a tenth longer.
        squares = _gradients(critic, torch.cat([real.float(), fake.float()]), torch.cat([y, fake_y])).square()
        count = real.shape[0]
        return self.gamma / 2 * (squares[:count].sum() / count + squares[count:].sum() / fake.shape[0])


def _norm_error(critic: Critic, x: Tensor, y: Tensor, target: float) -> Tensor:
    # The derivative of vector_norm at zero is zero; that of a square root of a sum would be NaN.
    norms: Tensor = torch.linalg.vector_norm(_gradients(critic, x, y), dim=1)
    return (norms - target).square().mean()


def _gradients(critic: Critic, x: Tensor, y: Tensor) -> Tensor:
    """Differentiate each logit by its own sample, in float32: shape (B, entries of a sample), itself differentiable."""
    with torch.autocast(x.device.type, enabled=False):
        x = x.detach().float().requires_grad_()
        gradients: Tensor = torch.autograd.grad(critic(x, y).sum(), x, create_graph=True)[0]
    return gradients.flatten(1)
