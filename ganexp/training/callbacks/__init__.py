"""Callbacks: curves, pictures, metrics, checkpoints, weights."""

from ganexp.training.callbacks.budget import TimeBudget
from ganexp.training.callbacks.checkpoints import Checkpoints
from ganexp.training.callbacks.evaluation import Evaluation, Measures
from ganexp.training.callbacks.health import Health
from ganexp.training.callbacks.periodic import Periodic
from ganexp.training.callbacks.progress import Progress
from ganexp.training.callbacks.samples import Samples
from ganexp.training.callbacks.scalars import Scalars
from ganexp.training.callbacks.stop import StopOnSignal
from ganexp.training.callbacks.weights import Weights

__all__ = [
    "Checkpoints",
    "Evaluation",
    "Health",
    "Measures",
    "Periodic",
    "Progress",
    "Samples",
    "Scalars",
    "StopOnSignal",
    "TimeBudget",
    "Weights",
]
