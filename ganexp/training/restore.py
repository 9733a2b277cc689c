"""Restore the model of a run, without Lightning's trainer and without the data's files.

Contract: the model that :func:`restore` returns makes, from the same latents, the same samples as the one that was saved; the
global random generators are as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch

from ganexp import __version__
from ganexp.config.build import build
from ganexp.config.compose import register_resolvers
from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data import Data
from ganexp.models import GAN
from ganexp.models.game import Game
from ganexp.models.state import Counters
from ganexp.runs.checkpoint import Checkpoint, Damaged, last_good, load
from ganexp.runs.run import BEST, Run


@dataclass(frozen=True)
class Restored:
    """A restored model, and where it comes from.

    Attributes:
        model: The model, on the CPU, in evaluation mode; its ``average`` is None where the run keeps none.
        data: The data set it was trained on, not prepared: no file of its has been read yet.
        run: Where it comes from.
        checkpoint: Which of the run's checkpoints it comes from.
        iteration: The iteration at which that was saved.
    """

    model: GAN
    data: Data
    run: Run
    checkpoint: Path
    iteration: int


def restore(path: str | Path, data: Mapping[str, Any] | None = None, checkpoint: Literal["last", "best"] = "last") -> Restored:
    """Rebuild the model of a run, whether it has ended, was stopped or is still training.

    Arguments:
        path: The run directory, or one of its checkpoint files.
        data: Options of the data set that differ from the run's, such as where its files are on this machine.
        checkpoint: What a run directory gives: its newest checkpoint that is not damaged, or that of its best measurement.

    Raises:
        ConfigError: There is no run, no good checkpoint, or one that this version cannot use.
    """
    register_resolvers()
    try:
        run = Run.open(path)
        saved = _choose(run, user_path(path), checkpoint)
    except ConfigError as error:  # these speak of the option by which training is resumed
        raise ConfigError(error.message, "run", hint=error.hint) from error
    except Damaged as error:
        raise ConfigError(str(error), "run", hint="name the run directory to use its newest good checkpoint") from error
    with torch.random.fork_rng(devices=[]):  # the weights that are drawn are replaced at once
        model = _rebuild(run, data or {})
    try:
        model.load_state_dict(saved.weights)
        model.counters = Counters(**saved.position.counters)
    except (RuntimeError, TypeError) as error:
        detail = str(error).splitlines()[:2][-1].strip()  # torch puts a heading above
        message = f"{saved.path} does not fit the networks of its configuration: {detail}"
        raise ConfigError(message, "run", hint=_versions(run)) from error
    return Restored(model.eval(), model.data, run, saved.path, model.counters.iteration)


def _choose(run: Run, given: Path, wanted: str) -> Checkpoint:
    """Return the checkpoint that a path asks for."""
    if given.is_dir() and wanted == "best":
        if not (best := run.path / "checkpoints" / BEST).is_file():
            hint = "use checkpoint=last; runs that measure metrics keep a best one"
            raise ConfigError("this run has no best checkpoint", "run", hint=hint)
        return load(best)
    if given.is_dir():
        newest = last_good(run)
        if newest is None:
            raise ConfigError("this run has not saved a checkpoint yet", "run")
        return newest
    if not given.exists():
        there = ", ".join(sorted(path.name for path in (run.path / "checkpoints").glob("*.ckpt")))
        raise ConfigError("no such file", "run", hint=f"choices: {there}" if there else None)
    return load(given)


def _rebuild(run: Run, data: Mapping[str, Any]) -> GAN:
    """Build the model alone: the hardware and files that training needs may be missing."""
    try:
        config = run.config
        nodes = {field.name: config[field.name] for field in fields(Game)}
        nodes["data"] = {**nodes["data"], **data}
        game = Game(**{group: build(node, group) for group, node in nodes.items()})
        model: GAN = build(config["model"], "model", game=game)
    except KeyError as error:
        raise ConfigError(f"its configuration has no section {error}", "run", hint=_versions(run)) from error
    except ConfigError as error:
        if any(key.partition(".")[0] == "data" for key in error.keys):
            raise  # the files are elsewhere, or were asked for elsewhere
        message = f"its configuration cannot be used here: {' '.join(error.keys)}: {error}"
        raise ConfigError(message, "run", hint=_versions(run)) from error
    return model


def _versions(run: Run) -> str | None:
    """Say so if another version of ganexp made the run, as far as its summary tells."""
    summary = run.summary
    made = summary.versions["ganexp"] if summary else __version__
    return None if made == __version__ else f"ganexp {made} made it, this is {__version__}"
