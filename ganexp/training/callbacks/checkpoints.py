"""When the state of a run is saved."""

import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from ganexp.config.types import PositiveFloat, PositiveInt
from ganexp.models import GAN
from ganexp.runs.run import BEST, LAST
from ganexp.training.callbacks.periodic import Periodic, agree
from ganexp.training.health import Diverged
from ganexp.training.signals import largest
from ganexp.training.state import RunState


class Checkpoints(Periodic):
    """Keep ``checkpoints/last.ckpt``: both networks, both optimisers, the average, counters and random states.

    ``checkpoints/best.ckpt`` is the state of the best measurement (see :class:`.Evaluation`), saved when it is
    made. A state with weights that are not finite is never saved: it ends the run.

    It acts after all other callbacks, and writes ``last.ckpt`` last: whatever a run leaves up to an iteration is on the disk
    when the run can continue from there.

    Arguments:
        state: What the run knows of itself.
        every: Iterations between two checkpoints; by default ``times`` of them are spread over the run.
        times: Checkpoints in a run.
        minutes: Longest time without a checkpoint.
        epochs: Epochs between two checkpoints.
        keep: Whether those of the cadence are also kept as ``checkpoints/<iteration>.ckpt``.
    """

    def __init__(
        self,
        state: RunState,
        every: PositiveInt | None = None,
        times: PositiveInt = 10,
        minutes: PositiveFloat = 10.0,
        epochs: PositiveInt | None = None,
        keep: bool = False,
    ) -> None:
        super().__init__(every, times, epochs)
        self.state, self.minutes, self.keep = state, minutes, keep
        self._saved, self._best = (time.monotonic(), -1), False

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Start the clock."""
        self._saved = time.monotonic(), pl_module.counters.iteration

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save when the state is the best, and when iterations or minutes are due."""
        iteration = pl_module.counters.iteration
        self._best, self.state.best_is_due = agree(trainer, self.state.best_is_due), False
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        self._save_best(trainer, pl_module)
        if agree(trainer, self._saved[1] != iteration and time.monotonic() - self._saved[0] > 60 * self.minutes):
            self._save(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Save the end of a run that was stopped; one that is complete has just been saved."""
        if self._saved[1] != pl_module.counters.iteration:
            self._save(trainer, pl_module)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Save, and keep if that is wanted."""
        if self.keep:
            _write(trainer, model, f"{model.counters.iteration:08d}.ckpt")
        self._save_best(trainer, model)  # a run may continue from it where there is no other yet
        self._save(trainer, model)

    def _save_best(self, trainer: Trainer, model: GAN) -> None:
        if self._best:
            self._best = False
            _write(trainer, model, BEST)

    def _save(self, trainer: Trainer, model: GAN) -> None:
        _write(trainer, model, LAST)
        self._saved = time.monotonic(), model.counters.iteration


def _folder(trainer: Trainer) -> Path:
    return Path(trainer.default_root_dir) / "checkpoints"


def _write(trainer: Trainer, model: GAN, name: str) -> None:
    """Save, after everything logged so far is on the disk: the curves must not end before the checkpoint.

    Raises:
        Diverged: Weights, or statistics of batch norm, are not finite.
    """
    for network in ("generator", "discriminator", "average"):
        module = getattr(model, network)
        sound = module is None or bool(largest([*module.parameters(), *module.buffers()]).isfinite())
        if agree(trainer, not sound):
            raise Diverged(f"weights of the {network} are not finite at iteration {model.counters.iteration:,}")
    for logger in trainer.loggers:
        logger.save()
    trainer.save_checkpoint(_folder(trainer) / name)
