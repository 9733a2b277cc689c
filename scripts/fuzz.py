"""Give odd command lines to ganexp, and report what is not answered well: ``python scripts/fuzz.py --lines 2000 --seed 0``.

A line is a small experiment with one to three oddities from the tables in ``oddities.py``: choices, options, sections, flags,
syntax, YAML of the user's own, runs to resume. Each runs in a forked copy of this process, so torch is imported once, in an
empty folder, through ``ganexp.__main__.main``, as if the line had been typed; a run that is accepted ends when it has been
assembled, every fourth one after two iterations. An answer is good when

* the line ran: exit status 0, or 1 with a summary that says why (diverged, stopped by an alarm);
* or it was refused: exit status 2, one line on standard error that begins with ``ganexp:``, and nothing is left in the folder.

All else is a finding: a traceback, another status, several lines, files left behind, or no end within the time limit. The exit
status is 1 when there is one. The same seed gives the same lines.
"""

import argparse
import inspect
import json
import os
import platform
import random
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
from oddities import FILES, FLAGS, SYNTAX, TARGETS, VALUES

from ganexp.__main__ import main as ganexp
from ganexp.config.compose import compose, directory, flatten
from ganexp.training.state import Ending, RunState

ENOUGH = 2  # iterations of a run that is accepted
TRAINED = 4  # of so many lines one has iterations

SMALL = ["trainer.accelerator=cpu", "trainer.max_epochs=null", f"trainer.max_iterations={ENOUGH}"]
POINTS = ["data.size=64", "data.batch_size=16", "network.generator.widths=[8]", "network.discriminator.widths=[8]"]
BASES = [
    ["data=ring", *POINTS],
    ["data=grid", "data.per_side=2", *POINTS],
    ["data=ring", "model=cgan", "metrics=none", "data.size=64", "data.batch_size=16"],
    ["data=digits", "data.batch_size=16", "metrics=none"],
    ["data=digits", "model=dcgan", "data.batch_size=16", "metrics=none"],
]


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
class Line:
    """A command line, and what lies in the folder in which it is given."""

    arguments: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()
    resumes: bool = False


@dataclass(frozen=True)
class Answer:
    """How a line was answered: ``ran``, ``refused``, or what was wrong with it."""

    kind: str
    message: str = ""
    seconds: float = 0.0


class Lines:
    """An endless source of odd command lines.

    Arguments:
        seed: Equal seeds give equal lines.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        folder = directory()
        self.groups = {
            str(path.relative_to(folder)): sorted(file.stem for file in path.glob("*.yaml"))
            for path in sorted(folder.rglob("*"))
            if path.is_dir()
        }
        self.trainer = [name for name in inspect.signature(Trainer).parameters if name not in ("strategy", "devices")]
        self.keys: dict[tuple[str, ...], list[str]] = {}
        self.oddities = [
            self.choice, self.choice, self.option, self.option, self.option, self.option, self.section, self.target,
            self.flag, self.syntax, self.trainer_option, self.file, self.added,
        ]  # fmt: skip

    def __next__(self) -> Line:
        pick = self.random
        base = pick.choice(BASES)
        arguments, files = [*base, *SMALL], list[tuple[str, bytes]]()
        resumes = pick.random() < 0.1
        if resumes:
            arguments = ["resume=run"]
        odd = [self.random.choice(self.oddities)(base, files) for _ in range(pick.choice((1, 1, 2, 3)))]
        arguments += [part for parts in odd for part in parts]
        if {"-m", "--multirun", "--multi", "-mm"} & set(arguments):
            arguments.append("sweep.dry_run=true")  # runs of a sweep are processes of their own
        return Line(tuple(arguments), tuple(files), resumes)

    def choice(self, base: list[str], files: Any) -> list[str]:
        """Choose in a group, well or badly."""
        group = self.random.choice(list(self.groups))
        options = self.groups[group] or [""]
        option = self.random.choice([*options, *options, misspelt(self.random.choice(options), self.random), self.value()])
        if group == "data" and option in ("mnist", "cifar10", "fashion_mnist", "stacked_mnist"):
            option = "digits"  # a download is no matter of the command line
        if group == "experiment" and option.startswith(("mnist", "cifar10")):
            option = "density_gan"
        if group == "accelerator" and option == "ddp":
            option = "cpu"  # it would start processes
        return [self.random.choice(["{}={}"] * 6 + ["+{}={}", "++{}={}", "~{}", "{}=[{}]", "{}@x={}"]).format(group, option)]

    def option(self, base: list[str], files: Any) -> list[str]:
        """Set an option that exists to any value, or one that hardly exists."""
        key = self.random.choice(self.all_keys(base))
        key = self.random.choice([key] * 8 + [misspelt(key, self.random), key.rpartition(".")[2], f"{key}.x", key.upper()])
        return [self.random.choice(["{}={}"] * 8 + ["+{}={}", "++{}={}", "~{}", "~{}={}"]).format(key, self.value())]

    def section(self, base: list[str], files: Any) -> list[str]:
        """Replace or remove a section."""
        keys = self.all_keys(base)
        sections = {key.rpartition(".")[0] for key in keys} | {key for key in keys if "." not in key}
        section = self.random.choice(sorted(sections - {""}))
        return [self.random.choice(["~{}", "{}=null", "{}={}", "++{}={}", "{}.x=1"]).format(section, self.value())]

    def target(self, base: list[str], files: Any) -> list[str]:
        """Name a class where one is named, or where none is, or change how it is made."""
        nodes = [key.rpartition(".")[0] for key in self.all_keys(base) if key.endswith("._target_")]
        node, target = self.random.choice(nodes), self.random.choice(TARGETS)
        forms = [*[f"{node}._target_={target}"] * 5, f"+callbacks.x._target_={target}", f"+regularizers.x._target_={target}"]
        odd = ("partial_=true", "partial_=x", "args_=[1]", "recursive_=false", "convert_=all")
        marks = [f"+{node}._{mark}" for mark in odd]
        return [self.random.choice([*forms, *marks, f"~{node}._target_", f"+metrics.x._target_={target}"])]

    def flag(self, base: list[str], files: Any) -> list[str]:
        """Give a flag."""
        return self.random.choice(FLAGS)

    def syntax(self, base: list[str], files: Any) -> list[str]:
        """Write something that is not quite an override."""
        return [self.random.choice(SYNTAX)]

    def trainer_option(self, base: list[str], files: Any) -> list[str]:
        """Set any option of Lightning's trainer."""
        return [f"{self.random.choice(['+', '++', ''])}trainer.{self.random.choice(self.trainer)}={self.value()}"]

    def added(self, base: list[str], files: Any) -> list[str]:
        """Add an option that nobody has asked for."""
        sections = ["model", "loss", "data", "callbacks", "logger", "schedule", "metrics.x", "regularizers", "sweep", "x"]
        section = self.random.choice(sections)
        return [f"+{section}.{self.random.choice(['x', '_x', '1', 'é', 'weight', 'self', 'x.y'])}={self.value()}"]

    def file(self, base: list[str], files: list[tuple[str, bytes]]) -> list[str]:
        """Choose YAML of the user's own."""
        group = self.random.choice(["experiment", "loss", "data", "callbacks", "optimizer", "penalty"])
        files.append((f"mine/{group}/own.yaml", self.random.choice(FILES)))
        return [f"{'+' * (group == 'x')}{group}=own", *(["--config-dir", "mine"] if self.random.random() < 0.9 else [])]

    def value(self) -> str:
        """Return something to set an option to."""
        return self.random.choice(VALUES)

    def all_keys(self, base: list[str]) -> list[str]:
        """Return the keys of all options of a base."""
        if tuple(base) not in self.keys:
            content = compose(*base, *SMALL)
            self.keys[tuple(base)] = sorted(key for key in flatten(content) if not key.startswith("choices"))
        return self.keys[tuple(base)]


def misspelt(word: str, pick: random.Random) -> str:
    """Leave out a letter."""
    if not word:
        return "x"
    at = pick.randrange(len(word))
    return word[:at] + word[at + 1 :]


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
