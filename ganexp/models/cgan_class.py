"""Conditional GAN whose discriminator names the class, or calls a sample fake."""

from typing import ClassVar

import torch
from torch import Tensor

from ganexp.models.classifier import test_accuracy
from ganexp.models.gan import GAN


class CGANClass(GAN):
    r"""GAN of p(x | y) through class logits: D sees the sample alone and has an output per class and one for "fake".

    With :math:`P = \mathrm{softmax}(D(x))` the critic is the logit of P(y | x),

    .. math:: D_y - \log \sum_{k \neq y} e^{D_k},

    so that the logistic losses are :math:`-\log P(y | x) - \log(1 - P(y' | G(z, y')))` for the discriminator and, without
    saturation, :math:`-\log P(y' | G(z, y'))` for the generator. The labels y' of the fakes are drawn.
    """

    conditional: ClassVar[bool] = True
    draws_labels: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        """One logit per class, and one for "fake"."""
        return self.num_classes + 1

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "the class of x is y, and x is not fake"."""
        mine = torch.arange(self.outputs, device=y.device) == y[:, None]
        return outputs.gather(1, y[:, None]).squeeze(1) - outputs.masked_fill(mine, -torch.inf).logsumexp(1)

    def evaluate(self) -> dict[str, float]:
        """Return the ``test_accuracy`` of the class logits, "fake" left out."""
        accuracy = test_accuracy(self.discriminator, lambda d, x: d(x)[:, : self.num_classes], self.data, self.device)
        return {"test_accuracy": accuracy}
