"""The GAN variants, each a LightningModule; the objects that they are made from need no Lightning."""

from typing import TYPE_CHECKING

from ganexp.config.lazy import lazily

if TYPE_CHECKING:
    from ganexp.models.acgan import ACGAN
    from ganexp.models.cgan import CGAN
    from ganexp.models.cgan_class import CGANClass
    from ganexp.models.cgan_projection import CGANProjection
    from ganexp.models.contragan import ContraGAN
    from ganexp.models.gan import GAN
    from ganexp.models.infogan import InfoGAN
    from ganexp.models.reacgan import ReACGAN
    from ganexp.models.ssgan import SSGAN

__all__ = ["ACGAN", "CGAN", "GAN", "SSGAN", "CGANClass", "CGANProjection", "ContraGAN", "InfoGAN", "ReACGAN"]

_HOMES = {
    "ACGAN": "ganexp.models.acgan",
    "CGAN": "ganexp.models.cgan",
    "CGANClass": "ganexp.models.cgan_class",
    "CGANProjection": "ganexp.models.cgan_projection",
    "ContraGAN": "ganexp.models.contragan",
    "GAN": "ganexp.models.gan",
    "InfoGAN": "ganexp.models.infogan",
    "ReACGAN": "ganexp.models.reacgan",
    "SSGAN": "ganexp.models.ssgan",
}

__getattr__ = lazily(__name__, _HOMES)
