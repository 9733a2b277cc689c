"""The GAN variants: what the players are asked."""

from ganexp.models.acgan import ACGAN
from ganexp.models.cgan import CGAN
from ganexp.models.cgan_class import CGANClass
from ganexp.models.cgan_projection import CGANProjection
from ganexp.models.gan import GAN
from ganexp.models.infogan import InfoGAN
from ganexp.models.ssgan import SSGAN

__all__ = ["ACGAN", "CGAN", "GAN", "SSGAN", "CGANClass", "CGANProjection", "InfoGAN"]
