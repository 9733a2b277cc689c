"""Train generative adversarial networks from one command: an experiment is a point on independent axes."""

from typing import TYPE_CHECKING

from ganexp.config.lazy import lazily

if TYPE_CHECKING:
    from ganexp.data import Data
    from ganexp.metrics import Metric
    from ganexp.models import GAN
    from ganexp.models.augmentations import Augmentation
    from ganexp.models.losses import Loss
    from ganexp.models.regularizers import Regularizer
    from ganexp.networks import Networks

__version__ = "0.1.0"

__all__ = ["GAN", "Augmentation", "Data", "Loss", "Metric", "Networks", "Regularizer"]

_HOMES = {
    "GAN": "ganexp.models.gan",
    "Augmentation": "ganexp.models.augmentations",
    "Data": "ganexp.data",
    "Loss": "ganexp.models.losses",
    "Metric": "ganexp.metrics",
    "Networks": "ganexp.networks",
    "Regularizer": "ganexp.models.regularizers",
}

__getattr__ = lazily(__name__, _HOMES)
