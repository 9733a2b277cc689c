"""The loss of f-GAN: with r = D(x) and f = D(G(z)), E[c(f)] - E[g(r)] for D, and -E[g(f)] or -E[c(f)] for G.

Values and gradients are finite for all finite logits.
"""

import math
from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganexp.models.losses import Loss

Divergence = Literal["kl", "reverse_kl", "pearson", "hellinger", "jensen_shannon"]

_STEEPEST = 30.0
"""The exponential goes on as a line above this: it keeps values and gradients of all logits finite."""


def _exp(t: Tensor) -> Tensor:
    return t.clamp(max=_STEEPEST).exp() * (1 + (t - _STEEPEST).clamp(min=0))


_ACTIVATION: dict[Divergence, Callable[[Tensor], Tensor]] = {
    "kl": lambda v: v,
    "reverse_kl": lambda v: -_exp(-v),
    "pearson": lambda v: v,
    "hellinger": lambda v: 1 - _exp(-v),
    "jensen_shannon": lambda v: math.log(2) - softplus(-v),
}
"""g of each divergence: maps a logit to where the conjugate is defined."""

_CONJUGATE: dict[Divergence, Callable[[Tensor], Tensor]] = {
    "kl": lambda v: _exp(v - 1),
    "reverse_kl": lambda v: v - 1,
    "pearson": lambda v: v.square() / 4 + v,
    "hellinger": lambda v: _exp(v) - 1,
    "jensen_shannon": lambda v: softplus(v) - math.log(2),
}
"""c of each divergence: its conjugate f* of g(v), simplified."""


class FDivergence(Loss):
    r"""Estimate an f-divergence of the real from the generated distribution by its variational bound.

    With g an activation that maps logits to where the conjugate f* is defined, and c = f*(g), the discriminator raises
    :math:`E[g(r)] - E[c(f)]`. The generator lowers it, or, as the authors do in practice, raises :math:`E[g(f)]`.

    ==============  ==============================  ==================
    divergence      g(v)                            c(v)
    ==============  ==============================  ==================
    kl              v                               e^(v - 1)
    reverse_kl      -e^-v                           v - 1
    pearson         v                               v^2 / 4 + v
    hellinger       1 - e^-v                        e^v - 1
    jensen_shannon  log 2 - log(1 + e^-v)           log(1 + e^v) - log 2
    ==============  ==============================  ==================

    Exponentials of more than 30 go on as lines.

    References:
        f-GAN: Training Generative Neural Samplers using Variational Divergence Minimization (Nowozin et al., 2016), tables 2
        and 6, section 3.2, https://arxiv.org/abs/1606.00709

    Arguments:
        divergence: Which one.
        saturating: Whether the generator lowers the bound itself, as theory has it.
    """

    def __init__(self, divergence: Divergence = "jensen_shannon", saturating: bool = False) -> None:
        super().__init__()
        self.divergence, self.saturating = divergence, saturating

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return _CONJUGATE[self.divergence](fake_logits).mean() - _ACTIVATION[self.divergence](real_logits).mean()

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        return -(_CONJUGATE if self.saturating else _ACTIVATION)[self.divergence](fake_logits).mean()
