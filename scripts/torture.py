"""Kill runs, resume them, and compare what they leave with a run that was never killed: ``python scripts/torture.py --help``.

``operations`` kills before every operation on a file, which copies of the folder stand for, and in the middle of writes to
files that grow; ``moments`` kills processes by SIGKILL at random moments, some of them again while they are resumed. Results
are kept in ``--output``: the same command continues where it was stopped. Times and the names of TensorBoard's files may
differ, nothing else. It prints a table, and ends with status 1 if anything was lost.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from ganexp.__main__ import main  # noqa: E402 (found by the path above)
from ganexp.runs.run import runs_below  # noqa: E402
from support.kills import differences, snapshots  # type: ignore[import-not-found] # noqa: E402
from support.tiny import CONVOLUTIONS, TINY_MLP  # type: ignore[import-not-found] # noqa: E402

COMMON = (
    *("trainer.accelerator=cpu", "trainer.max_epochs=null", "callbacks.scalars.every=2", "callbacks.evaluation.every=4"),
    *("callbacks.evaluation.samples=50", "callbacks.samples.every=3", "callbacks.weights.every=6"),
    *("callbacks.checkpoints.every=4", "callbacks.checkpoints.keep=true"),
)
RUNS = {
    "points": ("data=ring", "data.size=64", "data.batch_size=16", *TINY_MLP, "callbacks.samples.points=50"),
    "images": (
        *("data=digits", "data.batch_size=16", "model=dcgan", "metrics=images", "callbacks.samples.columns=2"),
        *CONVOLUTIONS,
    ),
}
LENGTHS = {"operations": 10, "moments": 40}


def command(*arguments: str) -> tuple[int, str]:
    """Run a command line in this process; return its status and what it printed."""
    sys.argv, printed = ["ganexp", *arguments], io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        except Exception:
            status = -1
            traceback.print_exc(file=printed)
    damage = [str(warning.message) for warning in said if warning.category is RuntimeWarning]
    return (status, printed.getvalue()) if not damage else (-1, "\n".join(damage))


def killed_after(seconds: float, *arguments: str) -> bool:
    """Run a command line in a process of its own and kill it after some time; return whether it was still running."""
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        os._exit(command(*arguments)[0] & 255)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def lost(whole: Path, folder: Path) -> list[str]:
    """Resume what a kill left in a folder; return what is wrong afterwards."""
    runs = list(runs_below(folder))
    if not runs:
        return []  # it had not begun
    status, printed = command(f"resume={runs[0]}")
    return [f"status {status}: {printed[-500:]}"] if status else differences(whole, runs[0])


def operations(kind: str, work: Path, known: dict[str, list[str]], note: io.TextIOBase) -> None:
    """Kill before every operation on a file."""
    overrides = (*COMMON, *RUNS[kind], f"trainer.max_iterations={LENGTHS['operations']}", f"output_dir={work}/runs")
    whole = finish(overrides, work)
    with snapshots(work / "runs", work / "copies") as taken:
        command(*overrides)
    for number, (copy, operation) in enumerate(taken.made):
        name = f"operations {kind} {number} of {taken.operations}"
        if name not in known:
            save(name, lost(whole, copy), known, note, operation)
        shutil.rmtree(copy)


def moments(kind: str, work: Path, known: dict[str, list[str]], note: io.TextIOBase, count: int, seed: int) -> None:
    """Kill processes at random moments."""
    overrides = (*COMMON, *RUNS[kind], f"trainer.max_iterations={LENGTHS['moments']}", f"output_dir={work}/runs")
    whole = finish(overrides, work)  # the first one imports and measures what the others share
    shutil.rmtree(work / "whole")
    began = time.monotonic()
    whole = finish(overrides, work)
    seconds = time.monotonic() - began
    for number in range(count):
        chance = random.Random(f"{seed} {kind} {number}")
        moment, again, second = chance.uniform(0, seconds), chance.random() < 0.3, chance.uniform(0, seconds)
        if (name := f"moments {kind} {number} seed {seed}") in known:
            continue
        killed = killed_after(moment, *overrides)
        runs = list(runs_below(work / "runs"))
        if again and runs:
            killed_after(second, f"resume={runs[0]}")
        where = f"{moment:.2f} s{' and again' if again else ''}{'' if killed else ', done'}"
        save(name, lost(whole, work / "runs"), known, note, where)
        shutil.rmtree(work / "runs", ignore_errors=True)


def finish(overrides: tuple[str, ...], work: Path) -> Path:
    """Make the run that is not killed, at the same place, and move it away."""
    status, printed = command(*overrides)
    if status:
        raise SystemExit(printed)
    shutil.move(work / "runs", work / "whole")
    return next(runs_below(work / "whole"))


def save(name: str, wrong: list[str], known: dict[str, list[str]], note: io.TextIOBase, where: str) -> None:
    """Keep a result."""
    known[name] = wrong
    note.write(json.dumps([name, wrong, where]) + "\n")
    note.flush()
    if wrong:
        print(f"{name} ({where}): {'; '.join(wrong)}"[:600], flush=True)


def table(known: dict[str, list[str]]) -> str:
    """Return how often runs were killed and how often something was lost."""
    rows = [f"{'kills':<12}{'run':<9}{'tried':>6}{'lost something':>16}"]
    for way in LENGTHS:
        for kind in RUNS:
            results = [wrong for name, wrong in known.items() if name.startswith(f"{way} {kind} ")]
            if results:
                rows.append(f"{way:<12}{kind:<9}{len(results):>6}{sum(map(bool, results)):>16}")
    return "\n".join(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="*", default=list(LENGTHS), choices=list(LENGTHS))
    parser.add_argument("--runs", nargs="*", default=list(RUNS), choices=list(RUNS))
    parser.add_argument("--moments", type=int, default=100, help="random moments for each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("torture.jsonl"))
    options = parser.parse_args()
    os.environ.setdefault("XDG_CACHE_HOME", tempfile.mkdtemp())
    results = {}
    if options.output.exists():
        results = {name: wrong for name, wrong, _ in map(json.loads, options.output.read_text().splitlines())}
    with options.output.open("a") as log:
        for way in options.ways:
            for kind in options.runs:
                with tempfile.TemporaryDirectory() as place:
                    if way == "operations":
                        operations(kind, Path(place), results, log)
                    else:
                        moments(kind, Path(place), results, log, options.moments, options.seed)
    print(table(results))
    sys.exit(1 if any(results.values()) else 0)
