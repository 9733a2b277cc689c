"""Callbacks that act every so many iterations of the model's own count."""

from abc import ABC, abstractmethod
from typing import Any

from lightning.pytorch import Callback, Trainer

from ganexp.models import GAN
from ganexp.types import PositiveInt


class Periodic(Callback, ABC):
    """Act every ``every`` iterations, or ``times`` times in a run when ``every`` is null, and when the budget is spent.

    A run that is stopped early does not act once more: resumed, it leaves the same traces as one that was never stopped.

    Arguments:
        every: Iterations between two actions.
        times: Actions in the whole budget, evenly spread; read when ``every`` is null.
    """

    def __init__(self, every: PositiveInt | None = None, times: PositiveInt = 20) -> None:
        self.every, self.times = every, times

    def cadence(self, total_iterations: int) -> int:
        """Return the iterations between two actions in a run of this length, and keep to it."""
        if self.every is None:
            self.every = max(1, -(-total_iterations // self.times))
        return self.every

    @abstractmethod
    def act(self, trainer: Trainer, model: GAN) -> None:
        """Do what is due at this iteration."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Act if the iteration that just ended is a multiple of the cadence, or the last."""
        iteration = pl_module.counters.iteration
        if iteration % self.cadence(pl_module.total_iterations) == 0 or iteration == pl_module.total_iterations:
            self.act(trainer, pl_module)


def log(trainer: Trainer, values: dict[str, float], iteration: int) -> None:
    """Send values to every logger at an iteration: the x axis of all curves."""
    for logger in trainer.loggers:
        logger.log_metrics(values, step=iteration)


def agree(trainer: Trainer, decision: bool) -> bool:
    """Return whether any process decided so; all of them act together, or a collective waits for ever."""
    return decision if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(decision, all=False)
