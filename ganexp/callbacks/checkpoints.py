"""Checkpoints: the whole state of a run, written so that a crash at any moment leaves a good one."""

import os
import time
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.plugins.io import CheckpointIO

from ganexp.callbacks.periodic import Periodic, agree
from ganexp.models import GAN
from ganexp.types import PositiveFloat, PositiveInt

LAST, PREVIOUS = "last.ckpt", "previous.ckpt"


class AtomicCheckpointIO(CheckpointIO):
    """Write a checkpoint beside its target and move it there when it is on the disk; the one before is kept.

    A checkpoint is a zip archive, which holds a checksum of every tensor: torch does not compare them when it loads, so a
    flipped bit would pass silently; here they are compared.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Save atomically; the checkpoint that was at ``path`` becomes ``previous.ckpt``."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(temporary, "wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                os.replace(path, path.with_name(PREVIOUS))
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def load_checkpoint(self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = None) -> dict[str, Any]:
        """Load and compare checksums; nothing but tensors and plain types is ever unpickled.

        Raises:
            OSError: The file cannot be read or is damaged.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
        except zipfile.BadZipFile as error:
            raise OSError(f"{path} is damaged: {error}") from error
        if damaged:
            raise OSError(f"{path} is damaged: the checksum of {damaged} does not match")
        return torch.load(path, map_location=map_location or "cpu", weights_only=True)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


class Checkpoints(Periodic):
    """Keep ``checkpoints/last.ckpt``: both networks, both optimisers, the average, counters and random states.

    Arguments:
        every: Iterations between two checkpoints; by default ``times`` of them are spread over the run.
        times: Checkpoints in a run.
        minutes: Longest time without a checkpoint.
    """

    def __init__(self, every: PositiveInt | None = None, times: PositiveInt = 10, minutes: PositiveFloat = 10.0) -> None:
        super().__init__(every, times)
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
