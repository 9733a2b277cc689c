"""Checkpoints: the whole state of a run, written so that a crash at any moment leaves a good one."""

import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.runs.run import LAST, PREVIOUS, Run


class AtomicCheckpointIO(CheckpointIO):
    """Write a checkpoint beside its target and move it there when it is on the disk; the one before is kept.

    A checkpoint is a zip archive, which holds a checksum of every tensor: torch does not compare them when it loads, so a
    flipped bit would pass silently; here they are compared.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Save atomically; a ``last.ckpt`` that was there becomes ``previous.ckpt``.

        Raises:
            OSError: The file cannot be written, as when the disk is full.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(temporary, "wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            if path.name == LAST and path.exists():
                os.replace(path, path.with_name(PREVIOUS))
            os.replace(temporary, path)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch says where it was when the disk was full, not that it was
                raise error.__context__ from None
            raise
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


def last_good(run: Run) -> tuple[Path | None, int]:
    """Return the newest undamaged checkpoint and its iteration; ``None`` and 0 when nothing has been saved yet.

    Raises:
        ConfigError: All that was saved is damaged.
    """
    damages: list[OSError] = []
    for path in run.checkpoints:
        try:
            checkpoint = AtomicCheckpointIO().load_checkpoint(path)
        except OSError as error:
            damages.append(error)
            continue
        for damage in damages:
            warnings.warn(f"{damage}; the one before it is taken", RuntimeWarning, stacklevel=2)
        return path, int(checkpoint["ganexp"]["counters"]["iteration"])
    if damages:
        raise ConfigError("; ".join(map(str, damages)), "resume", hint="no good checkpoint is left: start a new run")
    return None, 0


def newest_before(run: Run, iteration: int) -> Path | None:
    """Return the newest undamaged checkpoint from before an iteration, be it the last, the best or a kept one; None: none."""
    found: tuple[int, Path | None] = (-1, None)
    for path in sorted((run.path / "checkpoints").glob("[!.]*.ckpt"), reverse=True):
        if path.stem.isdigit() and not found[0] < int(path.stem) < iteration:
            continue
        try:
            saved = int(AtomicCheckpointIO().load_checkpoint(path)["ganexp"]["counters"]["iteration"])
        except OSError:
            continue
        if found[0] < saved < iteration:
            found = saved, path
    return found[1]


def go_back(run: Run, checkpoint: Path, callback: str, state: dict[str, Any]) -> None:
    """Make a checkpoint the last one, and give up what was saved last and before.

    Arguments:
        run: The run.
        checkpoint: One of its checkpoints.
        callback: A callback's key in the checkpoint.
        state: What that callback is to remember, whatever it knew then.
    """
    files, folder = AtomicCheckpointIO(), run.path / "checkpoints"
    content = files.load_checkpoint(checkpoint)
    content["callbacks"][callback] = state
    files.save_checkpoint(content, folder / LAST)
    (folder / PREVIOUS).unlink(missing_ok=True)  # the last one, until now


def check_fit(model: nn.Module, checkpoint: Path) -> None:
    """Refuse networks into which a checkpoint does not fit, before the run's configuration is changed."""
    saved, made = (
        {name: tuple(x.shape) for name, x in state.items() if isinstance(x, Tensor)}
        for state in (AtomicCheckpointIO().load_checkpoint(checkpoint)["state_dict"], model.state_dict())
    )
    if changed := sorted(name for name in saved.keys() | made.keys() if saved.get(name) != made.get(name)):
        was, now = saved.get(changed[0], "absent"), made.get(changed[0], "absent")
        raise ConfigError(
            f"these options describe other networks than the run has: {changed[0]} was {was}, would be {now}", "resume",
            hint="start a new run",
        )  # fmt: skip
