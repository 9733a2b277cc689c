"""Conditional GAN: both players are told the label."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from ganexp.data.base import Data
from ganexp.errors import ConfigError
from ganexp.models.gan import GAN
from ganexp.networks import Networks


class CGAN(GAN):
    """GAN of p(x | y): the one-hot label is an input of generator and discriminator.

    References:
        Conditional Generative Adversarial Nets (Mirza and Osindero, 2014), https://arxiv.org/abs/1411.1784
    """

    conditional: ClassVar[bool] = True

    @classmethod
    def build_players(cls, data: Data, network: Networks, latent_dim: int) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator with an input for the label."""
        if data.num_classes == 0:
            raise ConfigError("a conditional model needs labels, and this data has none", "model", "data", hint="use model=gan")
        classes = data.num_classes
        return network.generator(latent_dim, data.shape, classes, data.value_range), network.discriminator(data.shape, classes)

    def generate(self, generator: nn.Module, z: Tensor, y: Tensor) -> Tensor:
        """Return samples with shape (B, *shape) of the classes ``y`` with shape (B,)."""
        return generator(z, self._one_hot(y, z))

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is a real sample of class y"."""
        return self.discriminator(x, self._one_hot(y, x)).squeeze(1)

    def _one_hot(self, y: Tensor, like: Tensor) -> Tensor:
        return F.one_hot(y, self.num_classes).to(like.dtype)
