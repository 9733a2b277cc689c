"""The command line: ``python -m ganexp``. The only module that knows ``hydra.main``.

Exit status: 0 done, 1 failed, diverged, stopped by an alarm or by something that ran out, 2 refused (nothing was begun),
128 + n stopped by signal n.
"""

import os
import shlex
import signal
import sys
import warnings

import hydra

from ganexp import __version__
from ganexp.config import compose as configuration
from ganexp.config.errors import ConfigError
from ganexp.config.flags import read_flags
from ganexp.config.output import lasting
from ganexp.config.paths import quote_home
from ganexp.config.refusals import check_resumed, check_typed, explain
from ganexp.config.shortage import explain_shortage, quiet_threads
from ganexp.config.source import register_source
from ganexp.runs import resumed
from ganexp.runs.run import Run
from ganexp.training.job import TERSE, is_first_process, job, stop_with_parent

# Hydra would make a folder of its own where the configuration is not the shipped one.
_NO_FOLDER = ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=none"]


def main() -> None:
    """Run, sweep, resume, or refuse."""
    with lasting(), quiet_threads():
        _main()


def _main() -> None:
    stop_with_parent()
    if os.environ.get("HYDRA_FULL_ERROR") != "1":
        # Hydra would print errors itself, with part of a traceback; like this it hands them over.
        os.environ["HYDRA_FULL_ERROR"] = os.environ[TERSE] = "1"
    if "--version" in sys.argv[1:]:
        print(f"ganexp {__version__}")
        return
    given = sys.argv[1:]
    warnings.filterwarnings("error", "provider=", module="hydra")  # a folder of YAML that is not there
    try:
        configuration.register_resolvers()
        register_source()
        flags, sys.argv[1:] = read_flags(given)
        if is_first_process():  # Lightning adds options of Hydra's to the commands of the others
            check_typed(flags.overrides)
        if flags.multirun:
            from ganexp.sweeps.sweeper import register

            register()
        run = _resumed(sys.argv, flags.multirun)
        sys.argv[1:] = map(quote_home, sys.argv[1:])
        # The configuration of a run that is resumed lies in no folder that Hydra reads, and its path is no word of Hydra's
        # language, in which backslashes, quotes and ${} mean something.
        is_saved = run is not None or (not flags.multirun and resumed.repeats(sys.argv))
        folder, name = (None, resumed.NAME) if is_saved else (str(configuration.directory()), "config")
        sys.argv[1:1] = [] if flags.multirun else _NO_FOLDER
        hydra.main(version_base="1.3", config_path=folder, config_name=name)(lambda cfg: job(cfg, run))()
    except KeyboardInterrupt:  # while training, a signal is handled where it can save; this is before or after
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        if TERSE not in os.environ:
            raise
        message, status = explain(error, given), 2
        if message is None:
            command = shlex.join(["python", "-m", "ganexp", *given])
            message, status = explain_shortage(error, "What was saved before is complete.", command), 1
        if message is None:
            raise
        print(message, file=sys.stderr)
        sys.exit(status)


def _resumed(arguments: list[str], multirun: bool) -> Run | None:
    """Return the run that ``resume=<run>`` names, whose configuration Hydra is given; the arguments are adapted.

    Arguments:
        arguments: The program's name, overrides and flags.
        multirun: Whether many runs are asked for.

    Raises:
        ConfigError: There is no such run, or more than one is named.
    """
    named = [argument for argument in arguments[1:] if argument.lstrip("+").startswith("resume=")]
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
    check_resumed(arguments[1:])
    resumed.store(run, trust)
    return run


if __name__ == "__main__":
    main()
