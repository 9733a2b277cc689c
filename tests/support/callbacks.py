"""The callbacks of a training, for tests that look at one or put another in its place."""

from typing import TypeVar

from lightning.pytorch import Callback

from ganexp.metrics import Metric
from ganexp.training.callbacks import Evaluation, Measures
from ganexp.training.experiment import Experiment

Kind = TypeVar("Kind", bound=Callback)


def callback(training: Experiment, kind: type[Kind]) -> Kind:
    """Return the training's callback of a class."""
    return next(found for found in training.trainer.callbacks if isinstance(found, kind))


def measured_by(training: Experiment, metric: Metric, **options) -> Experiment:
    """Let another metric measure the samples, with other options of the evaluation."""
    callbacks, old = training.trainer.callbacks, callback(training, Evaluation)
    measures = Measures({"own": metric}, old.measures.reference, {"own": {}})
    callbacks[callbacks.index(old)] = Evaluation(measures, training.state, **{"every": old.every, "samples": 10} | options)
    return training
