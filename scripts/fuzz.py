"""Give odd command lines to ganexp, and report what is not answered well: ``python scripts/fuzz.py --lines 2000 --seed 0``.

A line is a small experiment with one to three oddities of ``oddities.py``: choices, options, sections, flags, syntax, YAML of
the user's own, runs to resume. Each runs in a forked copy of this process, so torch is imported once, in an empty folder,
through ``ganexp.__main__.main``, as if the line had been typed; a run that is accepted ends when it has been assembled, every
fourth one after two iterations. An answer is good when

* the line ran: exit status 0, or 1 with a summary that says why (diverged, stopped by an alarm);
* or it was refused: exit status 2, one line on standard error that begins with ``ganexp:``, and nothing is left in the folder.

All else is a finding: a traceback, another status, several lines, files left behind, or no end within the time limit. The exit
status is 1 when there is one. The same seed gives the same lines.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer
from oddities import BASES, ENOUGH, SMALL, Line, Lines

from ganexp.__main__ import main as ganexp
from ganexp.training.state import Ending, RunState

TRAINED = 4  # of so many lines one has iterations


class Enough(Callback):
    """End a run well, as soon as it is assembled, or after a few iterations.

    Arguments:
        state: What the run knows of itself.
        trains: Whether it has iterations.
    """

    def __init__(self, state: RunState, trains: bool = True) -> None:
        self.state, self.trains = state, trains

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """End it before anything is trained."""
        if not self.trains:
            raise SystemExit(0)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop it."""
        if pl_module.counters.iteration >= ENOUGH:
            self.state.end(trainer, Ending("stopped", "after enough iterations", 0))


@dataclass(frozen=True)
class Answer:
    """How a line was answered: ``ran``, ``refused``, or what was wrong with it."""

    kind: str
    message: str = ""
    seconds: float = 0.0


def give(line: Line, finished: Path, limit: float, trains: bool = True) -> Answer:
    """Give a line in an empty folder, and judge the answer."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ganexp-fuzz-") as place:
        folder, printed = Path(place, "folder"), Path(place, "stderr")
        folder.mkdir()
        for name, content in line.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        if line.resumes:
            shutil.copytree(finished, folder / "run")
        before = listing(folder)
        process = os.fork()
        if process == 0:
            in_the_child(line, folder, printed, trains)
        status = wait(process, began + limit)
        message = printed.read_text(errors="replace")
        kind = judge(status, message, before == listing(folder), bool(list(folder.rglob("summary.json"))))
    return Answer(kind, message, time.monotonic() - began)


def judge(status: int | None, message: str, unchanged: bool, summary: bool) -> str:
    """Return ``ran`` or ``refused``, or what is wrong with an answer."""
    if status is None:
        return "no end"
    if "Traceback (most recent call last)" in message:
        return "traceback"
    if status == 0 or (status == 1 and summary):
        return "ran"
    if status != 2:
        return f"status {status}"
    if not (message.startswith("ganexp: ") and message.count("\n") == 1):
        return "not one line"
    return "refused" if unchanged else "left something behind"


def listing(folder: Path) -> dict[str, bytes | None]:
    """Return what lies in a folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def in_the_child(line: Line, folder: Path, printed: Path, trains: bool) -> None:
    """Run the command, and end this process as Python would."""
    status: Any = 1
    try:
        os.setsid()
        os.chdir(folder)
        for number, path in ((1, os.devnull), (2, str(printed))):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)
        os.environ["GANEXP_CALLBACKS"] = json.dumps({"fuzz": {"_target_": f"{Enough.__module__}.Enough", "trains": trains}})
        sys.argv = ["ganexp", *line.arguments]
        ganexp()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else (0 if end.code is None else 1)
    except BaseException:  # this is where the process ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(process: int, deadline: float) -> int | None:
    """Return the exit status of a child, or None when it did not end in time, and end what it has started."""
    ended, status = 0, 0
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(process, os.WNOHANG)
        if not ended:
            time.sleep(0.01)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)
    if not ended:
        os.waitpid(process, 0)
        return None
    return os.waitstatus_to_exitcode(status)


def warm_up(folder: Path) -> Path:
    """Train a run in this process, so that what a run imports is there for all, and return it."""
    here = Path.cwd()
    os.chdir(folder)
    arguments, sys.argv = sys.argv, ["ganexp", *BASES[0], *SMALL, "~callbacks.progress", "name=run"]
    ganexp()
    sys.argv = arguments
    os.chdir(here)
    (run,) = folder.glob("outputs/*/*")
    return run


def main(arguments: Sequence[str] | None = None) -> int:
    """Give the lines, print the findings and the counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="leave out the lines before this one")
    parser.add_argument("--seed", type=int, default=0, help="of the lines")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for one line")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no further line after so long")
    parser.add_argument("--verbose", action="store_true", help="print every line and its answer")
    parser.add_argument("--only", help="give this line alone")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    counts, began = Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ganexp-fuzz-") as place:
        os.environ["XDG_CACHE_HOME"] = place
        finished = warm_up(Path(place))
        source = Lines(options.seed)
        lines = [Line(tuple(shlex.split(options.only)))] if options.only else [next(source) for _ in range(options.lines)]
        for number, line in list(enumerate(lines))[options.first :]:
            if time.monotonic() - began > 60 * options.minutes:
                break
            answer = give(line, finished, options.limit, number % TRAINED == 0)
            counts[answer.kind] += 1
            if options.verbose or answer.kind not in ("ran", "refused"):
                shown = answer.message if answer.kind not in ("ran", "refused") or options.only else answer.message[:300]
                typed = " ".join(map(shlex.quote, line.arguments)).encode(errors="backslashreplace").decode()
                files = [content for _, content in line.files]
                print(f"{number} {answer.kind} ({answer.seconds:.1f} s): {typed[:2000]}", *files)
                print("".join(f"    {part}\n" for part in shown[-6000:].splitlines()), flush=True)
    given, good = sum(counts.values()), counts["ran"] + counts["refused"]
    print(f"{given:,} lines, seed {options.seed}: {', '.join(f'{number:,} {kind}' for kind, number in counts.most_common())}")
    minutes = (time.monotonic() - began) / 60
    print(f"{given - good:,} findings, {minutes:.1f} minutes, {platform.machine()}, Python {platform.python_version()}")
    return int(given != good)


if __name__ == "__main__":
    sys.exit(main())
