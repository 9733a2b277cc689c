"""Checkpoints: the whole state of a run, written so that a crash at any moment leaves a good one, and read and checked once.

A checkpoint is one of the archives of :mod:`ganexp.runs.archive`: a flipped bit anywhere in it is noticed, and what another
program made is never opened. In both cases the checkpoint before it is taken.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.runs.archive import Damaged, read, write
from ganexp.runs.run import LAST, PREVIOUS, Run

FORMAT = 3
"""Number of the format in which checkpoints are written, and of the only one that is read."""

_KEY = "ganexp"


@dataclass(frozen=True)
class Position:
    """What a checkpoint adds to Lightning's part: the progress of the run, and the states of its random generators.

    Attributes:
        counters: The model's counters, by name.
        random: States of the global generators and of the run's own streams, one entry per process.
        observations: Values since the last log entry, by tag.
    """

    counters: dict[str, int]
    random: list[Any]
    observations: dict[str, list[Tensor]]

    def put_into(self, content: dict[str, Any]) -> None:
        """Add it to Lightning's part of a checkpoint."""
        content[_KEY] = {"format": FORMAT, **vars(self)}

    @classmethod
    def of(cls, content: dict[str, Any], path: object = "this checkpoint") -> "Position":
        """Take it from the content of a checkpoint.

        Raises:
            Damaged: This is another file; ``path`` names it.
            ConfigError: It is of another format.
        """
        own = content.get(_KEY) if isinstance(content, dict) else None
        if not isinstance(own, dict):
            raise Damaged(f"{path} is no checkpoint of ganexp")
        if (found := own.get("format")) != FORMAT:
            hint = "use the version of ganexp that made it, or start a new run"
            raise ConfigError(f"{path} has format {found}; this version reads format {FORMAT}", "resume", hint=hint)
        kinds = {"counters": dict, "random": list, "observations": dict}
        whole = own.keys() == kinds.keys() | {"format"} and all(isinstance(own[name], kind) for name, kind in kinds.items())
        sections = all(isinstance(content.get(name), dict) for name in ("state_dict", "callbacks"))
        if not whole or not sections or not isinstance(own["counters"].get("iteration"), int):
            raise Damaged(f"{path} is no checkpoint of ganexp")
        return cls(**{name: own[name] for name in kinds})


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run at an iteration.

    Attributes:
        path: Where it lies.
        content: All of it, as Lightning reads and writes it.
        position: What Lightning does not know.
    """

    path: Path
    content: dict[str, Any]
    position: Position

    @property
    def iteration(self) -> int:
        """The iteration at which it was saved."""
        return self.position.counters["iteration"]

    @property
    def weights(self) -> dict[str, Any]:
        """The model's ``state_dict``."""
        return self.content["state_dict"]

    @property
    def callbacks(self) -> dict[str, Any]:
        """The states of the callbacks, by their ``state_key``."""
        return self.content["callbacks"]

    def check_fit(self, model: nn.Module) -> None:
        """Refuse networks into which it does not fit, before the run's configuration is changed."""
        saved, made = (
            {name: tuple(x.shape) for name, x in state.items() if isinstance(x, Tensor)}
            for state in (self.weights, model.state_dict())
        )
        if changed := sorted(name for name in saved.keys() | made.keys() if saved.get(name) != made.get(name)):
            was, now = saved.get(changed[0], "absent"), made.get(changed[0], "absent")
            message = f"these options change the networks: {changed[0]} was {was}, would be {now}"
            raise ConfigError(message, "resume", hint="start a new run")


def load(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU, and check it.

    Raises:
        Damaged: The file cannot be read, is damaged, or is another one.
        ConfigError: It is of another format.
    """
    content = read(path)
    return Checkpoint(path, content, Position.of(content, path))


def last_good(run: Run) -> Checkpoint | None:
    """Return the newest undamaged checkpoint; None when nothing has been saved yet.

    Raises:
        ConfigError: All that was saved is damaged, or the newest is of another format.
    """
    damages: list[Damaged] = []
    for path in run.checkpoints:
        try:
            checkpoint = load(path)
        except Damaged as error:
            damages.append(error)
            continue
        for damage in damages:
            warnings.warn(f"{damage}; using {path.name}", RuntimeWarning, stacklevel=2)
        return checkpoint
    if damages:
        raise ConfigError("; ".join(map(str, damages)), "resume", hint="no good checkpoint is left: start a new run")
    return None


def newest_before(run: Run, iteration: int) -> Checkpoint | None:
    """Return the newest undamaged checkpoint from before an iteration, be it the last, the best or a kept one; None: none."""
    found: Checkpoint | None = None
    for path in sorted((run.path / "checkpoints").glob("[!.]*.ckpt"), reverse=True):
        reached = -1 if found is None else found.iteration
        if path.stem.isdigit() and not reached < int(path.stem) < iteration:
            continue
        try:
            checkpoint = load(path)
        except Damaged:
            continue
        if reached < checkpoint.iteration < iteration:
            found = checkpoint
    return found


def go_back(run: Run, checkpoint: Checkpoint, callback: str, state: dict[str, Any]) -> None:
    """Make a checkpoint the last one, and give up what was saved last and before.

    Arguments:
        run: The run.
        checkpoint: One of its checkpoints.
        callback: A callback's key in the checkpoint.
        state: What that callback is to remember, whatever it knew then.
    """
    folder = run.path / "checkpoints"
    write({**checkpoint.content, "callbacks": {**checkpoint.callbacks, callback: state}}, folder / LAST)
    (folder / PREVIOUS).unlink(missing_ok=True)
