"""A saved run as Hydra's configuration: checked before Hydra sees it, which would load and call what a folder tells it to."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml
from hydra.core.config_store import ConfigStore

from ganexp.config.classes import TRUST, Trust
from ganexp.config.errors import ConfigError
from ganexp.runs import saved
from ganexp.runs.run import Run

NAME = "resumed"
"""What Hydra calls it."""

_OPTION = "trust="
_CONFIG_PATH = ("--config-path", "-cp")
_OWN_FILES = ("--config-dir", "-cd", *_CONFIG_PATH)
_TYPED = re.compile(r"_target_\s*[=:]\s*[\"']?([\w.]+)")


def take_trust(arguments: list[str], resumes: bool) -> Trust:
    """Return what the command trusts of a run that it resumes, without the option that says so, which Hydra does not know.

    What the command itself names is trusted, and everything where it names a folder of configurations.

    Arguments:
        arguments: Those of the command; the option is taken out.
        resumes: Whether it resumes a run.

    Raises:
        ConfigError: The option says something else, or there is nothing to trust.
    """
    given = [argument for argument in arguments if argument.startswith(_OPTION)]
    if given and not resumes:
        raise ConfigError("this is about a run that is resumed", "trust", hint="what the command itself names is trusted")
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


def repeats(arguments: list[str]) -> bool:
    """Return whether a command makes another run of one whose ``.hydra`` it names by ``--config-path``; that is then stored.

    The flag is taken out of the arguments.

    Raises:
        ConfigError: That configuration is damaged or out of bounds.
    """
    for index, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag in _CONFIG_PATH and (equals or index + 1 < len(arguments)):
            folder = Path(value if equals else arguments[index + 1]).absolute()
            if folder.name == saved.CONFIG.parent.name and Run(folder.parent).exists:
                del arguments[index : index + (1 if equals else 2)]
                store(Run(folder.parent), Trust(everything=True), ("--config-path", str(folder)))
                return True
    return False


def store(run: Run, trust: Trust, flags: Sequence[str] = ()) -> None:
    """Give Hydra the configuration of a run, and the processes of this run what is trusted.

    Arguments:
        run: The run.
        trust: What is trusted.
        flags: Those of the command, if it makes another run of the configuration.

    Raises:
        ConfigError: It is damaged or out of bounds, or refers to more than is trusted.
    """
    trust = trust.and_from(os.environ)
    content = saved.read(run.path)
    if not trust.everything:
        saved.check_foreign(run.path, content)
    saved.check_size(content)
    os.environ[TRUST] = trust.text
    ConfigStore.instance().store(NAME, content | ({saved.FLAGS: list(flags)} if flags else {}))


def command(folder: Path) -> str:
    """Return the command that continues a run, which runs as it stands where the run was begun."""
    try:
        content = saved.read(folder)
    except ConfigError:
        content = {}
    flags, needed = saved.flags(content), saved.needs_trust(content)
    trust = [f"trust={needed}"] if needed and not set(flags) & set(_OWN_FILES) else []
    return shlex.join(["python", "-m", "ganexp", *flags, f"resume={folder}", *trust])
