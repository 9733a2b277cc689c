"""The GAN variants: what the players are asked."""

from ganexp.models.cgan import CGAN
from ganexp.models.gan import GAN

__all__ = ["CGAN", "GAN"]
