"""What happens beside training: curves, pictures, metrics, checkpoints, weights."""

from ganexp.callbacks.checkpoints import Checkpoints
from ganexp.callbacks.evaluation import Evaluation
from ganexp.callbacks.health import Health
from ganexp.callbacks.periodic import Periodic
from ganexp.callbacks.progress import Progress
from ganexp.callbacks.samples import Samples
from ganexp.callbacks.scalars import Scalars
from ganexp.callbacks.stop import StopOnSignal
from ganexp.callbacks.trial import Trial
from ganexp.callbacks.weights import Weights
from ganexp.health import Diverged

__all__ = [
    "Checkpoints",
    "Diverged",
    "Evaluation",
    "Health",
    "Periodic",
    "Progress",
    "Samples",
    "Scalars",
    "StopOnSignal",
    "Trial",
    "Weights",
]
