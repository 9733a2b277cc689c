"""LeCam regularisation: logits stay near their moving averages; for little data."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from ganexp.config.types import Fraction, NonNegativeFloat, NonNegativeInt, PositiveInt
from ganexp.models.functional import total
from ganexp.models.judging import Judgement
from ganexp.models.regularizers.base import Regularizer
from ganexp.networks.precision import full


class LeCam(Regularizer):
    r"""Pull the logits of real and fake samples towards each other's moving means.

    With :math:`a_R` and :math:`a_F` moving means of the logits of real and of fake samples, the present batch included, the
    term is

    .. math:: \lambda \left( E[\max(0, D(x) - a_F)^2] + E[\max(0, a_R - D(G(z)))^2] \right).

    In the first ``start`` updates there is no term, and the means are those of the present batch, which is that of all
    processes of a run.

    References:
        Regularizing Generative Adversarial Networks under Limited Data (Tseng et al., 2021), https://arxiv.org/abs/2104.03310

    Arguments:
        weight: The factor :math:`\lambda`.
        decay: What is left of the means after an update.
        start: Discriminator updates without a term.
        every: Discriminator updates per application.
    """

    anchors: Tensor
    updates: Tensor

    def __init__(
        self, weight: NonNegativeFloat = 0.3, decay: Fraction = 0.99, start: NonNegativeInt = 1000, every: PositiveInt = 1
    ) -> None:
        super().__init__()
        self.weight, self.decay, self.start, self.every = weight, decay, start, every
        self.register_buffer("anchors", torch.zeros(2))  # of real samples, of fakes
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, judgement: Judgement) -> Tensor:
        real, fake = full(judgement.real.logits), full(judgement.fake.logits)
        a_real, a_fake = self._moved(judgement)
        term = relu(real - a_fake).square().mean() + relu(a_real - fake).square().mean()
        return self.weight * term * (self.updates >= self.start)

    def after_update(self, network: nn.Module, judgements: Sequence[Judgement]) -> None:
        """Move the means; micro-batches count as one batch."""
        sizes = [len(judgement.real.y) for judgement in judgements]
        shares = [self._moved(judgement) * (size / sum(sizes)) for judgement, size in zip(judgements, sizes, strict=True)]
        self.anchors.copy_(torch.stack(shares).sum(0))
        self.updates.add_(1)

    @torch.no_grad()
    def _moved(self, judgement: Judgement) -> Tensor:
        """Return both means with a batch taken into account."""
        real, fake = full(judgement.real.logits), full(judgement.fake.logits)
        sums = total(torch.stack([real.sum(), fake.sum(), real.new_full((), len(real))]))
        now = sums[:2] / sums[2]
        return torch.where(self.updates >= self.start, torch.lerp(now, self.anchors, self.decay), now)
