"""From a command to its jobs: which there are, what each is called, and which were there before.

Contract: two runs are the same job when their resolved configurations are equal, in everything but where they are put; so the
same command, or one that asks for more, finds what is done in the same folder.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from ganexp.config import compose as configuration
from ganexp.config.compose import file_name
from ganexp.config.errors import ConfigError
from ganexp.runs.jobs import Job, known_jobs

# What says how or where a command runs, not what it computes.
_ELSEWHERE = ("output_dir", "name", "resume", "choices")
_NOT_A_RUNS = ("sweep", "search", "launcher", "resume")
_NAMING = ("experiment", "search", "model", "data", "loss")


def sweep_folder(config: DictConfig, overrides: Sequence[Override]) -> Path:
    """Return the folder of the sweep that a command describes, which is not made.

    It is ``hydra.sweep.dir`` where that is given; else, below ``output_dir/sweeps``, the name that was given, or one that tells
    the choices that all runs share, what varies, and six digits that stand for all of the command.
    """
    if config.hydra.sweep.dir:
        return Path(config.hydra.sweep.dir)
    base = Path(str(config.output_dir)) / "sweeps"
    if config.get("name") not in (None, ""):
        return base / file_name(str(config.name))
    asked = [override for override in overrides if is_a_runs(override) and override.key_or_group not in ("output_dir", "name")]
    fixed = {override.key_or_group: _value(override) for override in asked if not override.is_sweep_override()}
    parts = [fixed[key] for key in _NAMING if key in fixed]
    if search := [_value(override) for override in overrides if override.key_or_group == "search"]:
        parts.append(f"search_{search[-1]}")
    # In an order of their own: it says nothing, and the same command may be typed in another.
    swept = sorted({override.key_or_group.rpartition(".")[2] for override in asked if override.is_sweep_override()})
    words = "-".join([*parts, *(["by", *swept] if swept else [])])
    lines = sorted(str(override.input_line) for override in asked) + search
    digits = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:6]
    return base / f"{file_name(words)[:100]}-{digits}".lstrip("-")


def is_a_runs(override: Override) -> bool:
    """Return whether an override says something of the runs, not of the sweep."""
    return override.key_or_group.partition(".")[0] not in _NOT_A_RUNS


def check_swept(overrides: Sequence[Override]) -> None:
    """Refuse to sweep what belongs to the command: it would be ignored.

    Raises:
        ConfigError: Something of that kind varies.
    """
    shared = [override for override in overrides if not is_a_runs(override) or override.key_or_group in _ELSEWHERE]
    varying = [override.key_or_group for override in shared if override.is_sweep_override()]
    if varying:
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
        identity = identify(composed, overrides)
        if identity in jobs:
            continue
        name = before[identity].name if identity in before else _name(overrides, swept)
        if identity not in before and name in taken:
            name = f"{name}-{identity[:6]}"
        taken.add(name)
        jobs[identity] = Job(folder.absolute(), name, tuple(overrides), identity, source(composed))
    return list(jobs.values())


def resolved(composed: DictConfig) -> dict[str, Any]:
    """Return the configuration of a run as it is trained by.

    Raises:
        ConfigError: A value is missing, or cannot be resolved.
    """
    choices: Any = OmegaConf.to_container(composed.hydra.runtime.choices)
    task = composed.copy()
    with open_dict(task):
        del task["hydra"]
    return configuration.complete(task, choices)


def identify(composed: DictConfig, overrides: Sequence[str]) -> str:
    """Return sixteen hexadecimal digits that are equal for equal runs; one that will be refused is known by its overrides."""
    try:
        return _digits({key: value for key, value in resolved(composed).items() if key not in _ELSEWHERE})
    except ConfigError:
        return _digits(sorted(overrides))


def source(composed: DictConfig) -> str:
    """Return such digits for what has been read from files and the command line.

    What it refers to, such as variables of the environment, may be another thing on the machine on which the run is.
    """
    content: Any = OmegaConf.to_container(composed, resolve=False)
    return _digits({key: x for key, x in configuration.own(content).items() if key not in ("hydra", *_ELSEWHERE)})


def _digits(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _name(overrides: Sequence[str], swept: set[str]) -> str:
    """Return the overrides that vary; TensorBoard shows runs by this name."""
    varying = [override.lstrip("+") for override in overrides if override.lstrip("+").partition("=")[0] in swept]
    return file_name(",".join(varying) or "run")


def _value(override: Override) -> str:
    return str(override.get_value_element_as_str()).strip("'\"")
