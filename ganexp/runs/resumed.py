"""A saved run as Hydra's configuration: checked before Hydra sees it, which would load and call what a folder tells it to."""

import os
import re
import shlex
from pathlib import Path

import yaml
from hydra.core.config_store import ConfigStore

from ganexp.config.classes import TRUST, Trust
from ganexp.config.errors import ConfigError
from ganexp.runs import saved
from ganexp.runs.run import Run

NAME = "saved"
"""What Hydra calls it."""

REPEAT = "repeat"
"""The key with the run that a new one repeats."""

_OPTION = "trust="
_CONFIG_PATH = ("--config-path", "-cp")
_OWN_FILES = ("--config-dir", "-cd", *_CONFIG_PATH)
_TYPED = re.compile(r"_target_\s*[=:]\s*[\"']?([\w.]+)")


def take_trust(arguments: list[str], asked: bool) -> Trust:
    """Return what the command trusts of a saved run, without the option that says so, which Hydra does not know.

    What the command itself names is trusted, and everything where it names a folder of configurations.

    Arguments:
        arguments: Those of the command; the option is taken out.
        asked: Whether it resumes or repeats a run.

    Raises:
        ConfigError: The option says something else, or there is nothing to trust.
    """
    given = [argument for argument in arguments if argument.startswith(_OPTION)]
    if given and not asked:
        hint = "what the command itself names is trusted"
        raise ConfigError("this is about a run that is resumed or repeated", "trust", hint=hint)
    try:
        option = yaml.safe_load(given[-1].removeprefix(_OPTION)) if given else False
    except yaml.YAMLError:
        option = None
    names = option if isinstance(option, list) else [option]
    if not isinstance(option, bool) and not all(isinstance(name, str) and name for name in names):
        raise ConfigError("should be true, or modules such as [mine]", "trust")
    arguments[:] = [argument for argument in arguments if argument not in given]
    if option is True or any(argument.partition("=")[0] in _OWN_FILES for argument in arguments):
        return Trust(everything=True)
    typed = [name for argument in arguments for name in _TYPED.findall(argument)]
    return Trust.of([*(names if option else ()), *typed])


def refuse_folder(arguments: list[str]) -> None:
    """Refuse a saved run in the place of a folder of configurations, where Hydra would read it unchecked.

    Raises:
        ConfigError: ``--config-path`` names the folder in a run directory that has its configuration.
    """
    for flag, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = flag.partition("=")
        if name in _CONFIG_PATH:
            folder = Path(value if equals else following).absolute()
            if folder.name == saved.CONFIG.parent.name and Run(folder.parent).exists:
                raise ConfigError("this is a saved run", name, hint=f"use {REPEAT}={folder.parent}")


def store(run: Run, trust: Trust, repeat: bool = False) -> None:
    """Give Hydra the configuration of a run, and the processes of this run what is trusted.

    Arguments:
        run: The run.
        trust: What is trusted.
        repeat: Whether the command makes another run of it, in a folder of its own.

    Raises:
        ConfigError: It is damaged or out of bounds, or refers to more than is trusted.
    """
    trust = trust.and_from(os.environ)
    content = saved.read(run.path)
    if not trust.everything:
        saved.check_foreign(run.path, content)
    saved.check_size(content)
    os.environ[TRUST] = trust.text
    ConfigStore.instance().store(NAME, content | {REPEAT: str(run.path) if repeat else None})


def command(folder: Path) -> str:
    """Return the command that continues a run, which runs as it stands where the run was begun."""
    try:
        content = saved.read(folder)
    except ConfigError:
        content = {}
    flags, needed = saved.flags(content), saved.needs_trust(content)
    trust = [f"trust={needed}"] if needed and not set(flags) & set(_OWN_FILES) else []
    return shlex.join(["python", "-m", "ganexp", *flags, f"resume={folder}", *trust])
