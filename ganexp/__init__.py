"""Train generative adversarial networks from one command, or from Python: an experiment is a point on independent axes."""

from typing import TYPE_CHECKING

from ganexp.config.lazy import lazily

if TYPE_CHECKING:
    from ganexp.api import Sweep, compare, evaluate, load, repeat, resume, sample, sweep, train
    from ganexp.config.errors import ConfigError
    from ganexp.data import Data
    from ganexp.metrics import Metric
    from ganexp.models import GAN
    from ganexp.models.augmentations import Augmentation
    from ganexp.models.losses import Loss
    from ganexp.models.regularizers import Regularizer
    from ganexp.networks import Networks
    from ganexp.runs.run import Run
    from ganexp.sampling.model import TrainedModel

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "Augmentation",
    "ConfigError",
    "Data",
    "Loss",
    "Metric",
    "Networks",
    "Regularizer",
    "Run",
    "Sweep",
    "TrainedModel",
    "compare",
    "evaluate",
    "load",
    "repeat",
    "resume",
    "sample",
    "sweep",
    "train",
]

_HOMES = {
    "GAN": "ganexp.models.gan",
    "Augmentation": "ganexp.models.augmentations",
    "ConfigError": "ganexp.config.errors",
    "Data": "ganexp.data",
    "Loss": "ganexp.models.losses",
    "Metric": "ganexp.metrics",
    "Networks": "ganexp.networks",
    "Regularizer": "ganexp.models.regularizers",
    "Run": "ganexp.runs.run",
    "TrainedModel": "ganexp.sampling.model",
    **dict.fromkeys(("Sweep", "compare", "evaluate", "load", "repeat", "resume", "sample", "sweep", "train"), "ganexp.api"),
}

__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
