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
from ganexp.config.paths import quote_home
from ganexp.config.refusals import check_resumed, check_typed
from ganexp.config.source import register_source
from ganexp.runs import resumed
from ganexp.runs.run import Run
from ganexp.training.job import is_first_process

# Hydra would make a folder of its own where the configuration is not the shipped one.
_NO_FOLDER = ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=none"]


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
    run = _resumed(arguments, flags.multirun)
    arguments = [quote_home(argument) for argument in arguments]
    # The configuration of a run that is resumed lies in no folder that Hydra reads, and its path is no word of Hydra's
    # language, in which backslashes, quotes and ${} mean something.
    is_saved = run is not None or (not flags.multirun and resumed.repeats(arguments))
    folder, name = (None, resumed.NAME) if is_saved else (str(configuration.directory()), "config")
    version.setbase("1.3")
    parser = get_args_parser()
    _run_hydra(
        args=parser.parse_args([*([] if flags.multirun else _NO_FOLDER), *arguments]), args_parser=parser,
        task_function=lambda cfg: task(cfg, run), config_path=folder, config_name=name,
    )  # fmt: skip


def _resumed(arguments: list[str], multirun: bool) -> Run | None:
    """Return the run that ``resume=<run>`` names, whose configuration Hydra is given; the arguments are adapted.

    Arguments:
        arguments: Overrides and flags.
        multirun: Whether many runs are asked for.

    Raises:
        ConfigError: There is no such run, or more than one is named.
    """
    named = [argument for argument in arguments if argument.lstrip("+").startswith("resume=")]
    if any(argument.startswith("+") for argument in named):
        raise ConfigError("this option exists already", "resume", hint="write it without +")
    if len(named) > 1:
        raise ConfigError(f"one run is resumed at a time, not {len(named)}", "resume")
    value = named[0].partition("=")[2] if named else "null"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    trust = resumed.take_trust(arguments, resumes=value != "null")
    if value == "null":
        return None
    if multirun:
        raise ConfigError("one run is resumed at a time, not a sweep", "resume", hint="the same command continues a sweep")
    run = Run.open(value)
    arguments.remove(named[0])
    check_resumed(arguments)
    resumed.store(run, trust)
    return run
