"""Conditional GAN: both players receive the label."""

from typing import ClassVar

from ganexp.models.gan import GAN


class CGAN(GAN):
    """GAN of p(x | y): the label, a one-hot class or a vector of attributes, is an input of generator and discriminator.

    References:
        Conditional Generative Adversarial Nets (Mirza and Osindero, 2014), https://arxiv.org/abs/1411.1784
    """

    conditional: ClassVar[bool] = True
    takes_attributes: ClassVar[bool] = True

    @property
    def judged_classes(self) -> int:
        """The same as the generator's."""
        return self.label_size
