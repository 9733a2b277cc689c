"""What is typed on a command line, checked before anything is composed."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from ganexp.config import compose as configuration
from ganexp.config.errors import ConfigError

# What may be deleted as a whole: it only chooses elsewhere, or concerns sweeps alone; and what no override can delete.
_DISPENSABLE = {"accelerator", "experiment", "launcher", "search", "sweep", "defaults", "hydra"}

_BEGINNING = ("init_from", "freeze_d")

# What users of Hydra and Lightning type, and what does the same here.
ELSEWHERE = {
    "hydra.run.dir": "use output_dir=FOLDER and name=NAME",
    "hydra.sweep.dir": "use output_dir=FOLDER",
    "hydra.output_subdir": "use output_dir=FOLDER",
    "hydra.job.chdir": "use output_dir=FOLDER",
    "hydra.mode": "use -m",
    "hydra/job_logging": "a sweep keeps what its runs print, in jobs/",
    "hydra/launcher": "use launcher=, such as launcher=joblib",
    "hydra/sweeper": "use -m search=adam",
    "data.num_workers": "there are no workers: the data is in memory, and a batch is made on the device",
    "data.pin_memory": "the data is in memory, and a batch is made on the device",
}


def check_typed(overrides: Sequence[str]) -> None:
    """Refuse what names no key, settings of Hydra's that do not apply, and the deletion of a section that a run needs.

    Raises:
        ConfigError: There is one.
    """
    for override in overrides:
        key = key_of(override)
        if not key:
            raise ConfigError(f"{override!r} is not of the form key=value")
        if key in ELSEWHERE and key.startswith(("hydra.", "hydra/job_logging")):
            raise ConfigError("this option of Hydra's does not apply here", key, hint=ELSEWHERE[key])
    added = {key_of(override) for override in overrides if override.startswith("+")}
    for key in (key_of(override) for override in overrides if override.startswith("~")):
        # What is put in its place may be one option of it after the other.
        if key in _needed() and not any(name == key or name.startswith(f"{key}.") for name in added):
            none = f", or use {key}=none" if (configuration.directory() / key / "none.yaml").exists() else ""
            raise ConfigError("a run needs it", key, hint=f"leave ~{key} out{none}")


def _needed() -> set[str]:
    """Return the sections and options that no run can do without, by the shipped configuration."""
    folder = configuration.directory()
    options = yaml.safe_load((folder / "config.yaml").read_text())
    return {*groups_of([folder]), *options} - _DISPENSABLE


def check_choices(overrides: Sequence[str], resumed: bool) -> None:
    """Refuse choices for a saved run, which has made them.

    Arguments:
        overrides: What is typed.
        resumed: Whether the run continues.

    Raises:
        ConfigError: A group is chosen in, or what a run begins with is to change while it continues.
    """
    groups = groups_of([configuration.directory()])
    for key in map(key_of, overrides):
        if resumed and key in _BEGINNING:
            raise ConfigError("a resumed run has begun already", key, hint="repeat=RUN begins another one")
        if key.partition("@")[0].strip("/") in groups:
            hint = "use trainer.accelerator" if key == "accelerator" else "set options in them, such as schedule.d_steps=2"
            raise ConfigError("a saved run keeps its choices", key, hint=hint)


def key_of(override: str) -> str:
    """Return the key of an override."""
    return override.lstrip("+~").partition("=")[0]


def groups_of(folders: Sequence[Path]) -> list[str]:
    """Return the groups that folders of YAML files have."""
    return sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()})
