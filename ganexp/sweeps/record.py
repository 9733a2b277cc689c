"""A sweep's folder: made when something is to run in it, with what the command was."""

import json
import os
import shlex
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ganexp.config.errors import ConfigError
from ganexp.runs.files import write_json
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
    folder: Path, config: DictConfig, swept: Collection[str], launcher: str, search: dict[str, Any] | None = None
) -> None:
    """Write ``sweep.json``: the latest command, when the first one was given, all keys that varied, what is searched for."""
    before = read_sweep(folder)
    order = [override.partition("=")[0].lstrip("+") for override in config.hydra.overrides.task]
    keys = sorted(swept, key=lambda key: order.index(key) if key in order else len(order))
    content = {
        "command": shlex.join(["python", "-m", "ganexp", *sys.argv[1:]]),
        "swept": list(dict.fromkeys([*before.get("swept", []), *keys])),
        "launcher": launcher,
        "began": before.get("began") or now(),
        "search": search,
    }
    write_json(folder / SWEEP, content)


def read_sweep(folder: Path) -> dict[str, Any]:
    """Return the content of ``sweep.json``; empty if it is missing or damaged."""
    try:
        content = json.loads((folder / SWEEP).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
