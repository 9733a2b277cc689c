"""A budget of time: Lightning's ``max_time`` for a GAN."""

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Timer

from ganexp.training.callbacks.periodic import agree
from ganexp.training.state import RunState


class TimeBudget(Timer):
    """Finish the run when the time is spent: its last iteration is then the last of the budget.

    The time is that of training, over all processes that continue the run. It acts before all other callbacks.

    Arguments:
        state: What the run knows of itself.
        duration: Days, hours, minutes and seconds as ``DD:HH:MM:SS``, or a mapping with these keys.

    Raises:
        MisconfigurationException: The duration cannot be read.
    """

    def __init__(self, state: RunState, duration: Any) -> None:
        super().__init__(duration, verbose=False)
        self.state, self.duration = state, duration

    def on_fit_start(self, trainer: Trainer, *arguments: Any) -> None:
        """Leave a run alone that continues with no time left."""
        self._finish_if_spent(trainer)

    def on_train_batch_end(self, trainer: Trainer, *arguments: Any) -> None:
        """Look at the time."""
        self._finish_if_spent(trainer)

    def _finish_if_spent(self, trainer: Trainer) -> None:
        model: Any = trainer.lightning_module
        left = self.time_remaining() or 0.0
        if agree(trainer, left <= 0) and 0 < model.counters.iteration < model.total_iterations:
            model.total_iterations = model.counters.iteration
            trainer.should_stop = True
            self.state.spent = f"trainer.max_time={self.duration}"
