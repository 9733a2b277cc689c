"""Train generative adversarial networks from one command: an experiment is a point on independent axes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

# Imported when they are asked for: torch and Lightning take seconds.
_HOMES = {
    "GAN": "ganexp.models",
    "Augmentation": "ganexp.models.augmentations",
    "Data": "ganexp.data",
    "Loss": "ganexp.models.losses",
    "Metric": "ganexp.metrics",
    "Networks": "ganexp.networks",
    "Regularizer": "ganexp.models.regularizers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
