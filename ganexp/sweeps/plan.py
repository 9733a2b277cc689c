"""From a command to its jobs: which there are, what each is called, and which were there before.

Contract: two runs are the same job when :mod:`ganexp.config.keys` says that they are the same run, and a sweep over keys that
compute nothing has a job for each of their values. So the same command finds what is finished in the same folder, also on other
hardware, with files in other places, or when it asks for more.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, open_dict

from ganexp.config import compose as configuration
from ganexp.config.compose import assigned, file_name
from ganexp.config.errors import ConfigError
from ganexp.config.keys import Purpose, computes, identity, purpose, source
from ganexp.config.paths import user_path
from ganexp.runs.jobs import Job, known_jobs

_NAMING = ("experiment", "search", "model", "data", "loss")


def sweep_folder(config: DictConfig, overrides: Sequence[Override]) -> Path:
    """Return the folder of the sweep that a command describes, which is not made.

    It is ``hydra.sweep.dir`` where that is given; else, below ``output_dir/sweeps``, the name that was given, or one made of
    the choices that all runs share, what varies, and six digits that stand for all overrides that change what is computed.
    """
    if config.hydra.sweep.dir:
        return user_path(config.hydra.sweep.dir)
    base = user_path(str(config.output_dir)) / "sweeps"
    if config.get("name") not in (None, ""):
        return base / file_name(str(config.name))
    asked = [
        override
        for override in overrides
        if is_a_runs(override) and (override.is_sweep_override() or computes(override.key_or_group))
    ]
    fixed = {override.key_or_group: _value(override) for override in asked if not override.is_sweep_override()}
    search = [_value(override) for override in overrides if override.key_or_group == "search"]
    parts = [*(fixed[key] for key in _NAMING if key in fixed), *(f"search_{name}" for name in search[-1:])]
    # In an order of their own: it says nothing, and the same command may be typed in another.
    swept = sorted({override.key_or_group.rpartition(".")[2] for override in asked if override.is_sweep_override()})
    words = "-".join([*parts, *(["by", *swept] if swept else [])])
    lines = sorted(str(override.input_line) for override in asked) + search
    digits = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:6]
    return base / f"{file_name(words)[:100]}-{digits}".lstrip("-")


def is_a_runs(override: Override) -> bool:
    """Return whether an override says something of the runs, not of the sweep."""
    return purpose(override.key_or_group) is not Purpose.COMMAND


def check_swept(overrides: Sequence[Override]) -> None:
    """Refuse to sweep what belongs to the command: it would be ignored.

    Raises:
        ConfigError: Something of that kind varies.
    """
    swept = [override.key_or_group for override in overrides if override.is_sweep_override()]
    if varying := [key for key in swept if purpose(key) in (Purpose.COMMAND, Purpose.NAMES)]:
        raise ConfigError("this is one value for all runs, it cannot be swept", *varying)


def plan_jobs(
    compose: Callable[[Sequence[str]], DictConfig], folder: Path, combinations: Sequence[Sequence[str]], swept: set[str]
) -> list[Job]:
    """Return the jobs of a command, each configuration once, with the names under which the folder knows them.

    Arguments:
        compose: Returns the configuration of a run, with Hydra's part, from its overrides.
        folder: The sweep's folder.
        combinations: The overrides of each run.
        swept: The keys that vary.

    Raises:
        HydraException: A combination cannot be composed; it says why.
    """
    before = {job.identity: job for job in known_jobs(folder)}
    taken = {job.name for job in before.values()}
    jobs: dict[str, Job] = {}
    for overrides in combinations:
        composed = compose(overrides)
        digits = identify(composed, overrides, swept)
        if digits in jobs:
            continue
        name = before[digits].name if digits in before else _name(overrides, swept)
        if digits not in before and name in taken:
            name = f"{name}-{digits[:6]}"
        taken.add(name)
        jobs[digits] = Job(folder.absolute(), name, tuple(overrides), digits, source(composed))
    return list(jobs.values())


def resolved(composed: DictConfig) -> dict[str, Any]:
    """Return the configuration of a run as it is trained by.

    Raises:
        ConfigError: A value is missing, or cannot be resolved.
    """
    choices = configuration.choices_of(composed.hydra)
    task = composed.copy()
    with open_dict(task):
        del task["hydra"]
    return configuration.complete(task, choices)


def identify(composed: DictConfig, overrides: Sequence[str], swept: Collection[str] = ()) -> str:
    """Return sixteen hexadecimal digits that are equal for the same run; one that will be refused is known by its overrides."""
    more = {key: value for key, value in assigned(overrides).items() if key in swept and not computes(key)}
    try:
        return identity(resolved(composed), more)
    except ConfigError:
        return identity({}, {"overrides": "\n".join(sorted(overrides))})


def _name(overrides: Sequence[str], swept: set[str]) -> str:
    """Return the overrides that vary; TensorBoard shows runs by this name."""
    return file_name(",".join(f"{key}={value}" for key, value in assigned(overrides).items() if key in swept) or "run")


def _value(override: Override) -> str:
    return str(override.get_value_element_as_str()).strip("'\"")
