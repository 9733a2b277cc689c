"""Weight clipping."""

from collections.abc import Sequence

import torch
from torch import nn

from ganexp.config.types import PositiveFloat
from ganexp.models.judging import Judgement
from ganexp.models.regularizers.base import Regularizer


class WeightClip(Regularizer):
    """Clip every weight of the discriminator that learns after each update.

    References:
        Wasserstein Generative Adversarial Networks (Arjovsky et al., 2017), algorithm 1,
        https://arxiv.org/abs/1701.07875

    Arguments:
        limit: Largest magnitude of a weight.
    """

    def __init__(self, limit: PositiveFloat = 0.01) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, judgement: Judgement) -> None:
        return None

    @torch.no_grad()
    def after_update(self, network: nn.Module, judgements: Sequence[Judgement]) -> None:
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.clamp_(-self.limit, self.limit)
