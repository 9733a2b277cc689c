"""Callbacks that act every so many iterations of the model's own count."""

from abc import ABC, abstractmethod
from typing import Any

from lightning.pytorch import Callback, Trainer

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.models import GAN


class Periodic(Callback, ABC):
    """Act at the multiples of a cadence, in iterations, and when the budget is spent.

    A run that is stopped early does not act once more: resumed, it leaves the same traces as one that was never stopped.

    Arguments:
        every: Iterations between two actions.
        times: Actions in the whole budget, evenly spread; read when ``every`` and ``epochs`` are null.
        epochs: Epochs between two actions, rounded to whole iterations where an iteration takes several batches.

    Raises:
        ConfigError: The cadence is given twice.
    """

    def __init__(self, every: PositiveInt | None = None, times: PositiveInt = 20, epochs: PositiveInt | None = None) -> None:
        if every is not None and epochs is not None:
            section = f"callbacks.{type(self).__name__.lower()}"
            hint = f"set {section}.every=null or {section}.epochs=null"
            raise ConfigError("give iterations or epochs, not both", f"{section}.every", f"{section}.epochs", hint=hint)
        self.every, self.times, self.epochs = every, times, epochs

    def cadence(self, total_iterations: int, iterations_per_epoch: float) -> int:
        """Return the iterations between two actions in a run of this length."""
        if self.every is not None:
            return self.every
        if self.epochs is not None:
            return max(1, round(self.epochs * iterations_per_epoch))
        return -(-total_iterations // self.times)

    @abstractmethod
    def act(self, trainer: Trainer, model: GAN) -> None:
        """Do what is due at this iteration."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Act if the iteration that just ended is a multiple of the cadence, or the last."""
        iteration, total = pl_module.counters.iteration, pl_module.total_iterations
        cadence = self.cadence(total, trainer.datamodule.iterations_per_epoch)  # type: ignore[attr-defined]
        if iteration % cadence == 0 or iteration == total:
            self.act(trainer, pl_module)


def log(trainer: Trainer, values: dict[str, float], iteration: int) -> None:
    """Send values to every logger at an iteration: the x axis of all curves."""
    for logger in trainer.loggers:
        logger.log_metrics(values, step=iteration)


def agree(trainer: Trainer, decision: bool) -> bool:
    """Return whether any process decided so; all of them act together, or a collective waits for ever."""
    return decision if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(decision, all=False)
