"""The GAN variants, each a LightningModule; the objects that they are made from need no Lightning."""

from typing import TYPE_CHECKING

from ganexp.config.lazy import lazily

if TYPE_CHECKING:
    from ganexp.models.acgan import ACGAN
    from ganexp.models.adcgan import ADCGAN
    from ganexp.models.cgan import CGAN
    from ganexp.models.cgan_class import CGANClass
    from ganexp.models.cgan_projection import CGANProjection
    from ganexp.models.contragan import ContraGAN
    from ganexp.models.gan import GAN
    from ganexp.models.infogan import InfoGAN
    from ganexp.models.mhgan import MHGAN
    from ganexp.models.reacgan import ReACGAN
    from ganexp.models.ssgan import SSGAN
    from ganexp.models.tacgan import TACGAN

__all__ = [
    "ACGAN",
    "ADCGAN",
    "CGAN",
    "GAN",
    "MHGAN",
    "SSGAN",
    "TACGAN",
    "CGANClass",
    "CGANProjection",
    "ContraGAN",
    "InfoGAN",
    "ReACGAN",
]

_HOMES = {
    "ACGAN": "ganexp.models.acgan",
    "ADCGAN": "ganexp.models.adcgan",
    "CGAN": "ganexp.models.cgan",
    "CGANClass": "ganexp.models.cgan_class",
    "CGANProjection": "ganexp.models.cgan_projection",
    "ContraGAN": "ganexp.models.contragan",
    "GAN": "ganexp.models.gan",
    "InfoGAN": "ganexp.models.infogan",
    "MHGAN": "ganexp.models.mhgan",
    "ReACGAN": "ganexp.models.reacgan",
    "SSGAN": "ganexp.models.ssgan",
    "TACGAN": "ganexp.models.tacgan",
}

__getattr__ = lazily(__name__, _HOMES)
