"""The command line: ``python -m ganexp``, or ``ganexp`` with a verb.

Exit status: 0 done, 1 failed, diverged, stopped by an alarm or by something that ran out, 2 refused (nothing was begun),
128 + n stopped by signal n.
"""

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ganexp import __version__
from ganexp.command import execute
from ganexp.config.output import lasting
from ganexp.config.refusals import explain
from ganexp.config.shortage import explain_shortage, quiet_threads
from ganexp.training.job import TERSE, job, report_briefly, stop_with_parent
from ganexp.verbs import translate


def main() -> None:
    """Run, sweep, resume, do what a verb says, or refuse."""
    if "" not in sys.path:  # a user's own classes lie where the command is given; last, so that they hide no module
        sys.path.append("")
    with lasting(), quiet_threads():
        _main(sys.argv[1:])


def _main(given: Sequence[str]) -> None:
    stop_with_parent()
    report_briefly()
    if "--version" in given:
        print(f"ganexp {__version__}")
        return
    try:
        if (arguments := translate(given)) is not None:
            execute(arguments, job, _end)
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


def _end(folder: Path, status: int) -> None:
    """End the process of a sweep, unless all is well."""
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
