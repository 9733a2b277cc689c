"""Conditional GAN whose discriminator projects the sample's features on the label's embedding."""

from typing import ClassVar

from torch import Tensor

from ganexp.models.gan import GAN


class CGANProjection(GAN):
    r"""GAN of p(x | y) with a projection discriminator.

    The critic is :math:`\psi(\phi(x)) + v_y^\top \phi(x)`, with the features :math:`\phi` of D's last hidden layer. Both parts
    are rows of D's last linear layer, which has one output for :math:`\psi` and one for each class; so each class has a bias,
    too, and spectral norm divides all rows by one number.

    References:
        cGANs with Projection Discriminator (Miyato and Koyama, 2018), https://arxiv.org/abs/1802.05637
    """

    conditional: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        """One for the unconditional part, and one per class."""
        return self.num_classes + 1

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is a real sample of class y"."""
        return outputs[:, 0] + outputs[:, 1:].gather(1, y[:, None]).squeeze(1)
