"""Conditional GAN whose discriminator names the class, or "fake", by a margin: the multi-hinge GAN."""

import torch
from torch import Tensor

from ganexp.models.cgan_class import CGANClass
from ganexp.models.judging import Judged


class MHGAN(CGANClass):
    r"""GAN of p(x | y) through margins of class logits: D sees the sample alone and has K logits of classes and one for "fake".

    With :math:`m_k(x) = D_k(x) - \max_{j \neq k} D_j(x)`, the logit of real samples is :math:`m_y(x)`. That of a fake is
    :math:`-m_{K + 1}(G(z, y'))` for the discriminator, which is to call it fake, and :math:`m_{y'}(G(z, y'))` for the
    generator, which wants its class. With ``loss=multi_hinge`` the discriminator minimises
    :math:`E[\max(0, 1 - m_y(x))] + E[\max(0, 1 - m_{K + 1}(G(z, y')))]`, the generator
    :math:`E[\max(0, 1 - m_{y'}(G(z, y')))]`, as published. The labels y' of the fakes are drawn.

    References:
        A Multi-Class Hinge Loss for Conditional GANs (Kavalerov et al., 2021), https://arxiv.org/abs/1912.04216
    """

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the margin with shape (B,) of the class y over the others and "fake"."""
        mine = torch.arange(self.outputs, device=y.device) == y[:, None]
        return outputs.gather(1, y[:, None]).squeeze(1) - outputs.masked_fill(mine, -torch.inf).amax(1)

    def adversarial(self, real: Judged, fake: Judged) -> Tensor:
        """Return the discriminator's score by the loss, fakes being one more class, and observe the logits."""
        return self.score(real.logits, -self.realness(fake.outputs, torch.full_like(fake.y, self.num_classes)))
