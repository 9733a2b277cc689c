"""What a command line, or a call from Python, asks for: read, checked, composed by Hydra, and handed over.

The only module that starts Hydra, whose version is bounded: :mod:`ganexp.__main__` and :mod:`ganexp.api` both go this way.
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.utils import _run_hydra, get_args_parser
from omegaconf import DictConfig

from ganexp.config import compose as configuration
from ganexp.config.errors import ConfigError
from ganexp.config.flags import read_flags
from ganexp.config.paths import quote_paths
from ganexp.config.source import register_source
from ganexp.config.typed import check_choices, check_typed
from ganexp.runs import resumed
from ganexp.runs.run import Run
from ganexp.training.job import is_first_process

# Hydra would make a folder of its own where the configuration is not the shipped one.
_NO_FOLDER = ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=none"]

_SAVED = {"resume": "resumed", resumed.REPEAT: "repeated"}


def execute(
    given: Sequence[str], task: Callable[[DictConfig, Run | None], Any], swept: Callable[[Path, int], None] | None = None
) -> None:
    """Do what the arguments of a command line ask for.

    Arguments:
        given: Overrides and flags.
        task: Called with the configuration of a run, and with the run that is continued, if one is.
        swept: Called with the folder and the exit status of a sweep when it has ended.

    Raises:
        ConfigError: The arguments cannot be read, or name what is not there; Hydra has errors of its own for the rest, which
            :func:`ganexp.config.refusals.explain` explains.
    """
    warnings.filterwarnings("error", "provider=", module="hydra")  # a folder of YAML that is not there
    configuration.register_resolvers()
    register_source()
    flags, arguments = read_flags(given)
    if is_first_process():  # Lightning adds options of Hydra's to the commands of the others
        check_typed(flags.overrides)
    if flags.multirun:
        from ganexp.sweeps.sweeper import register

        register(swept)
    resumed.refuse_folder(arguments)
    key, run = _saved(arguments, flags.multirun)
    arguments = [quote_paths(argument) for argument in arguments]
    # The configuration of a saved run lies in no folder that Hydra reads, and its path is no word of Hydra's language, in which
    # backslashes, quotes and ${} mean something.
    folder, name = (None, resumed.NAME) if run else (str(configuration.directory()), "config")
    continued = run if key == "resume" else None
    version.setbase("1.3")
    parser = get_args_parser()
    _run_hydra(
        args=parser.parse_args([*([] if flags.multirun else _NO_FOLDER), *arguments]), args_parser=parser,
        task_function=lambda cfg: task(cfg, continued), config_path=folder, config_name=name,
    )  # fmt: skip


def _saved(arguments: list[str], multirun: bool) -> tuple[str, Run | None]:
    """Return the run that ``resume=<run>`` or ``repeat=<run>`` names, whose configuration Hydra is given, and which of the two.

    Arguments:
        arguments: Overrides and flags; they are adapted.
        multirun: Whether many runs are asked for.

    Raises:
        ConfigError: There is no such run, or more than one is named.
    """
    named = [argument for argument in arguments if argument.lstrip("+").partition("=")[0] in _SAVED]
    key, _, value = (named[0] if named else "resume=null").partition("=")
    if any(argument.startswith("+") for argument in named):
        raise ConfigError("this option exists already", key.lstrip("+"), hint="write it without +")
    if len(named) > 1:
        raise ConfigError(f"one run is {_SAVED[key]} at a time, not {len(named)}", key)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    trust = resumed.take_trust(arguments, asked=value != "null")
    if value == "null":
        return key, None
    if multirun:
        hint = "the same command continues a sweep" if key == "resume" else "sweep the command that its summary.json has"
        raise ConfigError(f"one run is {_SAVED[key]} at a time, not a sweep", key, hint=hint)
    try:
        run = Run.open(value)
        arguments.remove(named[0])
        check_choices(arguments, resumed=key == "resume")
        resumed.store(run, trust, repeat=key == resumed.REPEAT)
    except ConfigError as error:  # what is saved speaks of the option by which it is resumed
        raise ConfigError(error.message, *(key if one == "resume" else one for one in error.keys), hint=error.hint) from error
    return key, run
