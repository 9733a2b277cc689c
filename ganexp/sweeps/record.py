"""A sweep's folder: made when something is to run in it, with what the command was."""

import os
import shlex
import sys
from collections.abc import Collection
from pathlib import Path

from omegaconf import DictConfig

from ganexp.config.errors import ConfigError
from ganexp.runs.records import Searched, SweepRecord, find
from ganexp.sweeps.supervisor import now

SWEEP = "sweep.json"
"""The file that describes a sweep."""


def make_folder(folder: Path) -> None:
    """Make the folder unless it is there.

    Raises:
        ConfigError: It cannot be made or written.
    """
    try:
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        writable = os.access(folder / "jobs", os.W_OK | os.X_OK)
    except OSError as error:
        raise ConfigError(f"no folder for the sweep can be made here: {error.strerror}", "output_dir") from error
    if not writable:
        raise ConfigError(f"the sweep's folder {folder} cannot be written", "output_dir")


def describe_sweep(
    folder: Path, config: DictConfig, swept: Collection[str], launcher: str, search: Searched | None = None
) -> None:
    """Write ``sweep.json``: the latest command, when the first one was given, all keys that varied, what is searched for."""
    before = find(folder / SWEEP, SweepRecord)
    order = [override.partition("=")[0].lstrip("+") for override in config.hydra.overrides.task]
    keys = sorted(swept, key=lambda key: order.index(key) if key in order else len(order))
    record = SweepRecord(
        command=shlex.join(["python", "-m", "ganexp", *sys.argv[1:]]),
        swept=list(dict.fromkeys([*(before.swept if before else ()), *keys])),
        launcher=launcher,
        began=before.began if before else now(),
        search=search,
    )
    record.write(folder / SWEEP)
