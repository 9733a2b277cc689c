"""The losses of both players: functions of logits.

With r = D(x) and f = D(G(z)), vectors of unbounded logits, s(t) = log(1 + e^t), h = ``label_smoothing`` and E the mean
over the batch, the discriminator and the generator minimise

===================  ========================================  ===============================
class                discriminator                             generator
===================  ========================================  ===============================
NonSaturating        E[(1 - h) s(-r) + h s(r)] + E[s(f)]       E[s(-f)]
Minimax              E[(1 - h) s(-r) + h s(r)] + E[s(f)]       -E[s(f)]
LeastSquares         E[(r - 1)^2] / 2 + E[f^2] / 2             E[(f - 1)^2] / 2
Hinge                E[max(0, 1 - r)] + E[max(0, 1 + f)]       -E[f]
MultiHinge           E[max(0, 1 - r)] + E[max(0, 1 + f)]       E[max(0, 1 - f)]
Wasserstein          E[f] - E[r]                               -E[f]
Relativistic         E[s(f - r)]                               E[s(r - f)]
RelativisticAverage  E[p(r - E[f])] + E[p(E[r] - f)]           E[p(f - E[r])] + E[p(E[f] - r)]
===================  ========================================  ===============================

with p as its class says. One more, from divergences, is in :mod:`ganexp.models.f_divergence`.

Values and gradients are finite for all finite logits. Penalties on the discriminator's gradient are regularizers, not
losses.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from ganexp.config.build import refusal
from ganexp.config.errors import ConfigError
from ganexp.config.types import Fraction


class Loss(nn.Module, ABC):
    """Score both players on logits.

    It is a module of the model: a loss that remembers something keeps it in a buffer, which is saved in checkpoints.

    Attributes:
        needs_real: Whether the generator's loss needs the logits of real samples, too.
    """

    needs_real: bool = False

    @abstractmethod
    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Score the discriminator; both logits have shape (B,), the result is a scalar to minimise."""

    @abstractmethod
    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """Score the generator; logits have shape (B,), the result is a scalar to minimise."""


def check_loss(loss: Loss) -> None:
    """Try a copy of a loss on a few logits.

    Raises:
        ConfigError: It fails, or returns something other than a scalar.
    """
    logits, loss = torch.linspace(-1.0, 1.0, 8), deepcopy(loss)
    for player in ("discriminator", "generator"):
        real = logits if player == "discriminator" or loss.needs_real else None
        try:
            with torch.random.fork_rng(devices=[]):
                score = loss.discriminator(logits, logits) if player == "discriminator" else loss.generator(logits, real)
        except Exception as error:  # it is the user's
            raise refusal(error, "loss") from error
        if not isinstance(score, Tensor) or score.numel() != 1:
            found = f"a tensor of shape {tuple(score.shape)}" if isinstance(score, Tensor) else type(score).__name__
            hint = "a mean over the batch, as in logits.mean()"
            raise ConfigError(f"{type(loss).__name__}.{player} should return a scalar, not {found}", "loss", hint=hint)


class _Logistic(Loss):
    """Score the discriminator by cross-entropy, with the label 1 - label_smoothing for real samples.

    Arguments:
        label_smoothing: How far the label of real samples, and theirs only, is below 1.
    """

    def __init__(self, label_smoothing: Fraction = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        real = softplus(-real_logits)
        if self.label_smoothing > 0:
            real = real + self.label_smoothing * real_logits  # as s(r) - s(-r) = r
        return real.mean() + softplus(fake_logits).mean()


class NonSaturating(_Logistic):
    """Ask the discriminator for a probability, and let the generator maximise the log-probability of "real".

    References:
        Generative Adversarial Nets (Goodfellow et al., 2014), https://arxiv.org/abs/1406.2661

        Improved Techniques for Training GANs (Salimans et al., 2016), section 3.4, for one-sided label smoothing,
        https://arxiv.org/abs/1606.03498
    """

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return softplus(-fake_logits).mean()


class Minimax(_Logistic):
    """Play the zero-sum game: the generator maximises what the discriminator minimises.

    Its gradient vanishes where the discriminator is sure: this is the form for theory, :class:`NonSaturating` for
    practice.

    References:
        Generative Adversarial Nets (Goodfellow et al., 2014), https://arxiv.org/abs/1406.2661
    """

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return -softplus(fake_logits).mean()


class LeastSquares(Loss):
    """Regress the logits on 1 for real and 0 for fake samples, and let the generator regress its own on 1.

    References:
        Least Squares Generative Adversarial Networks (Mao et al., 2017), equation 9, https://arxiv.org/abs/1611.04076
    """

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return 0.5 * ((real_logits - 1).square().mean() + fake_logits.square().mean())

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return 0.5 * (fake_logits - 1).square().mean()


class Hinge(Loss):
    """Push logits beyond a margin of 1 on either side, and no further.

    References:
        Geometric GAN (Lim, Ye, 2017), https://arxiv.org/abs/1705.02894

        Spectral Normalization for Generative Adversarial Networks (Miyato et al., 2018),
        https://arxiv.org/abs/1802.05957
    """

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return -fake_logits.mean()


class MultiHinge(Hinge):
    """Push logits beyond a margin, the generator's, too: with ``model=mhgan`` the multi-hinge loss.

    References:
        A Multi-Class Hinge Loss for Conditional GANs (Kavalerov et al., 2021), https://arxiv.org/abs/1912.04216
    """

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return relu(1 - fake_logits).mean()


class Wasserstein(Loss):
    """Let a critic maximise the difference of its mean scores; a penalty or clipping must keep it Lipschitz.

    References:
        Wasserstein Generative Adversarial Networks (Arjovsky et al., 2017), https://arxiv.org/abs/1701.07875
    """

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean() - real_logits.mean()

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return -fake_logits.mean()


class Relativistic(Loss):
    """Compare each fake sample with one real sample: the logistic loss of the difference of their logits.

    References:
        The relativistic discriminator: a key element missing from standard GAN (Jolicoeur-Martineau, 2019),
        https://arxiv.org/abs/1807.00734

        The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al., 2024), equation 2,
        https://arxiv.org/abs/2501.05441
    """

    needs_real = True

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return softplus(fake_logits - real_logits).mean()

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        if real_logits is None:
            raise ValueError("the relativistic loss scores the generator against real logits")
        return softplus(real_logits - fake_logits).mean()


Form = Literal["standard", "hinge", "least_squares"]

_PULL: dict[Form, Callable[[Tensor], Tensor]] = {
    "standard": lambda t: softplus(-t),
    "hinge": lambda t: relu(1 - t),
    "least_squares": lambda t: (t - 1).square(),
}
"""What a difference of logits costs that should be high."""


class RelativisticAverage(Loss):
    r"""Compare each sample with the average of the other kind.

    With p the cost of a difference t of logits that should be high, which is ``log(1 + e^-t)`` (standard), ``max(0, 1 - t)``
    (hinge) or ``(t - 1)^2`` (least squares), the discriminator minimises :math:`E[p(r - E[f])] + E[p(E[r] - f)]`, and the
    generator the same with real and fake exchanged.

    References:
        The relativistic discriminator: a key element missing from standard GAN (Jolicoeur-Martineau, 2019), sections 4.2 and 5,
        https://arxiv.org/abs/1807.00734

    Arguments:
        form: Which cost: standard (RaGAN), hinge (RaHingeGAN) or least_squares (RaLSGAN).
    """

    needs_real = True

    def __init__(self, form: Form = "standard") -> None:
        super().__init__()
        self.form = form

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        pull = _PULL[self.form]
        return pull(real_logits - fake_logits.mean()).mean() + pull(real_logits.mean() - fake_logits).mean()

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        if real_logits is None:
            raise ValueError("the relativistic loss scores the generator against real logits")
        return self.discriminator(fake_logits, real_logits)
