"""Restore the model of a run, without Lightning's trainer and without the data's files.

Contract: the model that :func:`restore` returns makes, from the same latents, the same samples as the one that was saved; the
global random generators are as they were. Nothing is built that only training needs, and nothing but classes of this package
unless the run is trusted: anybody may have made it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer

from ganexp import __version__
from ganexp.config.build import build
from ganexp.config.classes import Trust, admit
from ganexp.config.compose import register_resolvers
from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data import Data
from ganexp.models import GAN
from ganexp.models.game import Game
from ganexp.models.losses import NonSaturating
from ganexp.models.schedules import Constant
from ganexp.models.state import Counters
from ganexp.runs import saved as saved_config
from ganexp.runs.archive import Damaged
from ganexp.runs.checkpoint import Checkpoint, last_good, load
from ganexp.runs.run import BEST, Run

_SECTIONS = ("model", "data", "network", "schedule")
"""The sections of a configuration that make a model that is not to be trained."""

TRAINING = ("loss.", "regularizers.", "augmentation.")
"""What the names of the states begin with of what is not built."""


@dataclass(frozen=True)
class Restored:
    """A restored model, and where it comes from.

    Attributes:
        model: The model, on the CPU, in evaluation mode; its ``average`` is None where the run keeps none.
        data: The data set it was trained on, not prepared: no file of its has been read yet.
        run: Where it comes from.
        config: Its resolved configuration.
        checkpoint: Which of the run's checkpoints it comes from.
        iteration: The iteration at which that was saved.
    """

    model: GAN
    data: Data
    run: Run
    config: dict[str, Any]
    checkpoint: Path
    iteration: int


def restore(
    path: str | Path,
    data: Mapping[str, Any] | None = None,
    checkpoint: Literal["last", "best"] = "last",
    trust: bool | str | Iterable[str] = False,
) -> Restored:
    """Rebuild the model of a run, whether it has ended, was stopped or is still training.

    Arguments:
        path: The run directory, or one of its checkpoint files.
        data: Options of the data set that differ from the run's, such as where its files are on this machine.
        checkpoint: What a run directory gives: its newest checkpoint that is not damaged, or that of its best measurement.
        trust: What it may build besides what ganexp has: anything, or modules and classes by their dotted names.

    Raises:
        ConfigError: There is no run, or no good checkpoint that this version can use; or it asks for more than is trusted.
    """
    register_resolvers()
    trusted = Trust.of(trust)
    try:
        run = Run.open(path)
        saved = _choose(run, user_path(path), checkpoint)
        config = saved_config.load(run.path, trusted.everything)
        admit({section: config[section] for section in _SECTIONS if section in config}, trusted)
    except ConfigError as error:  # some speak of the option by which training is resumed
        keys = ["run" if key == "resume" else key for key in error.keys]
        raise ConfigError(error.message, *keys, hint=error.hint) from error
    except Damaged as error:
        raise ConfigError(str(error), "run", hint="name the run directory to use its newest good checkpoint") from error
    with torch.random.fork_rng(devices=[]):  # the weights that are drawn are replaced at once
        model = _rebuild(run, config, data or {})
    try:
        model.load_state_dict({name: value for name, value in saved.weights.items() if not name.startswith(TRAINING)})
        model.counters = Counters(**saved.position.counters)
    except (RuntimeError, TypeError) as error:
        detail = str(error).splitlines()[:2][-1].strip()  # torch puts a heading above
        message = f"{saved.path} does not fit the networks of its configuration: {detail}"
        raise ConfigError(message, "run", hint=_versions(run)) from error
    return Restored(model.eval(), model.data, run, config, saved.path, model.counters.iteration)


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
        there = ", ".join(sorted(path.name for path in (run.path / "checkpoints").glob("[!.]*.ckpt")))
        raise ConfigError("no such file", "run", hint=f"choices: {there}" if there else None)
    return load(given)


def _rebuild(run: Run, config: dict[str, Any], data: Mapping[str, Any]) -> GAN:
    """Build the model alone: the hardware and files that training needs may be missing."""
    try:
        nodes = {section: config[section] for section in _SECTIONS}
        if isinstance(nodes["data"], dict):
            nodes["data"] = {**nodes["data"], **data}
        made = {section: build(nodes[section], section) for section in _SECTIONS if section != "model"}
        game = Game(
            **made, loss=NonSaturating(), penalty={}, regularizers={}, augmentation={}, lr_schedule=Constant(),
            d_optimizer=_trains_nothing, g_optimizer=_trains_nothing,
        )  # fmt: skip
        model: GAN = build(nodes["model"], "model", game=game)
    except KeyError as error:
        raise ConfigError(f"its configuration has no section {error}", "run", hint=_versions(run)) from error
    except ConfigError as error:
        if any(key.partition(".")[0] == "data" for key in error.keys):
            raise  # the files are elsewhere, or were asked for elsewhere
        message = f"its configuration cannot be used here: {' '.join(error.keys)}: {error}"
        raise ConfigError(message, "run", hint=_versions(run) or error.hint) from error
    return model


def _trains_nothing(parameters: Iterable[nn.Parameter]) -> Optimizer:
    raise TypeError("this model is not to be trained")


def _versions(run: Run) -> str | None:
    """Say so if another version of ganexp made the run, as far as its summary tells."""
    summary = run.summary
    made = summary.versions["ganexp"] if summary else __version__
    return None if made == __version__ else f"ganexp {made} made it, this is {__version__}"
