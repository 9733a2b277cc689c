"""The command line: ``python -m ganexp``. The only module that knows ``hydra.main``.

Exit status: 0 done, 1 failed, diverged or stopped by an alarm, 2 refused (nothing was begun), 128 + n stopped by signal n.
"""

import os
import signal
import sys

import hydra

from ganexp.config import compose as configuration
from ganexp.config.compose import quote
from ganexp.config.errors import ConfigError
from ganexp.config.refusals import explain
from ganexp.runs import resumed
from ganexp.runs.run import Run
from ganexp.training.job import TERSE, job, stop_with_parent

_MULTIRUN = {"-m", "--multirun"}


def main() -> None:
    """Run, sweep, resume, or refuse."""
    stop_with_parent()
    if os.environ.get("HYDRA_FULL_ERROR") != "1":
        # Hydra would print errors itself, with part of a traceback; like this it hands them over.
        os.environ["HYDRA_FULL_ERROR"] = os.environ[TERSE] = "1"
    configuration.register_resolvers()
    # Hydra's parser takes overrides after a flag or before it, but not on both sides.
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))
    try:
        if _MULTIRUN & set(sys.argv):
            from ganexp.sweeps.sweeper import register

            register()
        folder, name = _resume(sys.argv)
        hydra.main(version_base="1.3", config_path=folder, config_name=name)(job)()
    except KeyboardInterrupt:  # while training, a signal is handled where it can save; this is before or after
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        message = explain(error, sys.argv[1:])
        if message is None or TERSE not in os.environ:
            raise
        print(message, file=sys.stderr)
        sys.exit(2)


def _resume(arguments: list[str]) -> tuple[str | None, str]:
    """Return the folder and the name of the configuration; of a run that is resumed it lies in no folder that Hydra reads.

    The arguments are adapted.
    """
    index = next((i for i, argument in enumerate(arguments) if argument.startswith("resume=")), None)
    value = "null" if index is None else arguments[index].partition("=")[2].strip("'\"")
    trust = resumed.take_trust(arguments, value != "null")
    index = next((i for i, argument in enumerate(arguments) if argument.startswith("resume=")), None)
    if index is None or value == "null":
        return str(configuration.directory()), "config"
    if _MULTIRUN & set(arguments):
        raise ConfigError("one run is resumed at a time, not a sweep", "resume", hint="the same command continues a sweep")
    run = Run.open(value)
    arguments[index] = f"resume={quote(str(run.path))}"
    arguments += ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=none"]
    resumed.store(run, trust)
    return None, resumed.NAME


if __name__ == "__main__":
    main()
