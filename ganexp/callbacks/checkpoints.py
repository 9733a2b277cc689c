"""When the state of a run is saved."""

import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from ganexp.callbacks.periodic import Periodic, agree
from ganexp.models import GAN
from ganexp.runs import LAST
from ganexp.types import PositiveFloat, PositiveInt


class Checkpoints(Periodic):
    """Keep ``checkpoints/last.ckpt``: both networks, both optimisers, the average, counters and random states.

    Arguments:
        every: Iterations between two checkpoints; by default ``times`` of them are spread over the run.
        times: Checkpoints in a run.
        minutes: Longest time without a checkpoint.
        epochs: Epochs between two checkpoints.
    """

    def __init__(
        self,
        every: PositiveInt | None = None,
        times: PositiveInt = 10,
        minutes: PositiveFloat = 10.0,
        epochs: PositiveInt | None = None,
    ) -> None:
        super().__init__(every, times, epochs)
        self.minutes = minutes
        self._saved = (time.monotonic(), -1)

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Start the clock."""
        self._saved = time.monotonic(), pl_module.counters.iteration

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save when iterations or minutes say so."""
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        if agree(trainer, time.monotonic() - self._saved[0] > 60 * self.minutes):
            self.act(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Save the end of a run that was stopped; one that is complete has just been saved."""
        if self._saved[1] != pl_module.counters.iteration:
            self.act(trainer, pl_module)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Save, after everything logged so far is on the disk: the curves must not end before the checkpoint."""
        for logger in trainer.loggers:
            logger.save()
        trainer.save_checkpoint(Path(trainer.default_root_dir) / "checkpoints" / LAST)
        self._saved = time.monotonic(), model.counters.iteration
