"""When the state of a run is saved."""

import shutil
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from ganexp.callbacks.periodic import Periodic, agree
from ganexp.files import whole_file
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
        keep: Whether those of the cadence are also kept as ``checkpoints/<iteration>.ckpt``.
    """

    def __init__(
        self,
        every: PositiveInt | None = None,
        times: PositiveInt = 10,
        minutes: PositiveFloat = 10.0,
        epochs: PositiveInt | None = None,
        keep: bool = False,
    ) -> None:
        super().__init__(every, times, epochs)
        self.minutes, self.keep = minutes, keep
        self._saved = (time.monotonic(), -1)

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Start the clock."""
        self._saved = time.monotonic(), pl_module.counters.iteration

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save when iterations or minutes say so."""
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        if agree(trainer, time.monotonic() - self._saved[0] > 60 * self.minutes):
            self._save(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Save the end of a run that was stopped; one that is complete has just been saved."""
        if self._saved[1] != pl_module.counters.iteration:
            self._save(trainer, pl_module)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Save, and keep if that is wanted."""
        last = self._save(trainer, model)
        if self.keep and trainer.is_global_zero:
            with whole_file(last.with_name(f"{model.counters.iteration:08d}.ckpt")) as copy, last.open("rb") as saved:
                shutil.copyfileobj(saved, copy)

    def _save(self, trainer: Trainer, model: GAN) -> Path:
        """Save, after everything logged so far is on the disk: the curves must not end before the checkpoint."""
        for logger in trainer.loggers:
            logger.save()
        last = Path(trainer.default_root_dir) / "checkpoints" / LAST
        trainer.save_checkpoint(last)
        self._saved = time.monotonic(), model.counters.iteration
        return last
