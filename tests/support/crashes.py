"""Runs that end abruptly, and go on."""

from collections.abc import Callable

import pytest
from lightning.pytorch import Callback

from ganexp.training.experiment import Experiment
from ganexp.training.train import train


class StopAt(Callback):
    """End a run abruptly, as a crash would, in the middle of everything."""

    def __init__(self, iteration: int):
        self.iteration = iteration

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        if pl_module.counters.iteration >= self.iteration:
            raise Crash


class Crash(RuntimeError):
    """The crash of :class:`StopAt`."""


def crash(experiment: Experiment, iteration: int) -> None:
    """Train until an iteration, where the run ends abruptly."""
    experiment.trainer.callbacks.append(StopAt(iteration))
    with pytest.raises(Crash):
        train(experiment, [])


def whole_and_resumed(ready: Callable[..., Experiment], *overrides: str, at: int) -> tuple[Experiment, Experiment]:
    """Train a run without a stop, and the same with a crash at an iteration; the second continues the crashed one."""
    whole = ready(*overrides, folder="whole")
    train(whole, [])
    crash(ready(*overrides), at)
    resumed = ready(*overrides)
    train(resumed, [])
    return whole, resumed
