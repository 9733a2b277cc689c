"""The purpose of each configuration key, which defines when two runs are the same.

Contract: two runs are the same when all keys that compute have equal values. Every key computes unless the table below says
otherwise, those that a user adds included. A group counts by the keys that it sets, so the names of choices do not.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ganexp.config.compose import flatten


class Purpose(Enum):
    """What a key is for."""

    COMPUTES = auto()  # what is computed
    REPEATS = auto()  # it makes another run of the same kind
    FILES = auto()  # where the files are that a run reads
    HARDWARE = auto()  # on what it runs: that changes no more than rounding
    SHOWS = auto()  # what it leaves to look at, or to continue from
    NAMES = auto()  # what it is called, and where it is put
    COMMAND = auto()  # an option of the command, not of the run


PURPOSES = {
    "seed": Purpose.REPEATS,
    "data.root": Purpose.FILES,
    "extractor.weights": Purpose.FILES,
    "accelerator": Purpose.HARDWARE,
    "trainer.accelerator": Purpose.HARDWARE,
    "trainer.devices": Purpose.HARDWARE,
    "trainer.num_nodes": Purpose.HARDWARE,
    "trainer.strategy": Purpose.HARDWARE,
    "trainer.channels_last": Purpose.HARDWARE,
    "trainer.compile": Purpose.HARDWARE,
    "trainer.recompute": Purpose.HARDWARE,
    "trainer.threads": Purpose.HARDWARE,
    "data.workers": Purpose.HARDWARE,
    "logger": Purpose.SHOWS,
    "callbacks.checkpoints": Purpose.SHOWS,
    "callbacks.progress": Purpose.SHOWS,
    "callbacks.samples": Purpose.SHOWS,
    "callbacks.stop": Purpose.SHOWS,
    "callbacks.weights": Purpose.SHOWS,
    "choices": Purpose.NAMES,
    "flags": Purpose.NAMES,
    "name": Purpose.NAMES,
    "output_dir": Purpose.NAMES,
    "hydra": Purpose.COMMAND,
    "launcher": Purpose.COMMAND,
    "repeat": Purpose.COMMAND,
    "resume": Purpose.COMMAND,
    "search": Purpose.COMMAND,
    "sweep": Purpose.COMMAND,
}


def purpose(key: str) -> Purpose:
    """Return what a dotted key or a group is for: what the table says of it, or of the nearest key above it."""
    while key not in PURPOSES and "." in key:
        key = key.rpartition(".")[0]
    return PURPOSES.get(key, Purpose.COMPUTES)


def computes(key: str) -> bool:
    """Return whether runs with different values of a key are different runs."""
    return purpose(key) in (Purpose.COMPUTES, Purpose.REPEATS)


def distinguishes(key: str) -> bool:
    """Return whether runs with different values of a key are of different kinds: all that computes, but for the seed."""
    return purpose(key) is Purpose.COMPUTES


def given(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration by dotted key, without what a run has found from the rest: iterations, from a budget of time."""
    flat = flatten(dict(config))
    if flat.get("budget") is None:
        return flat
    return {key: value for key, value in flat.items() if key not in ("trainer.max_epochs", "trainer.max_iterations")}


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run computes by, as JSON has it, by dotted key.

    Arguments:
        config: Its configuration, resolved or not, in plain types.
    """
    flat = {key: value for key, value in given(config).items() if computes(key)}
    content: dict[str, Any] = json.loads(json.dumps(flat, default=str))
    return content


def identity(config: Mapping[str, Any], more: Mapping[str, str] | None = None) -> str:
    """Return sixteen hexadecimal digits that are equal for runs that are the same.

    Arguments:
        config: The configuration of a run, in plain types.
        more: What else tells runs apart, such as a swept key that computes nothing.
    """
    content = json.dumps([settings(config), dict(more or {})], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def source(config: DictConfig) -> str:
    """Return such digits of a configuration as it was read, from files and the command line, before anything is resolved.

    What it refers to, such as variables of the environment, may differ between machines.
    """
    content: Any = OmegaConf.to_container(config, resolve=False)
    return identity(content)
