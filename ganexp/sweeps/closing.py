"""What the terminal says before a sweep and after it."""

import shlex
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganexp.runs.files import remove_empty
from ganexp.runs.jobs import Job, known_jobs
from ganexp.runs.records import SweepRecord, find
from ganexp.runs.signals import text
from ganexp.sweeps.launchers.slurm.queue import states_of
from ganexp.sweeps.record import SWEEP
from ganexp.sweeps.supervisor import note_end

SUBMITTED = ".submitit"
"""The folder in a sweep's in which Slurm's jobs find their work, and leave their output and result."""

_WORDS = {
    "new": "to begin", "unfinished": "to continue", "finished": "finished already",
    "running": "being worked on elsewhere, left alone", "queued": "in Slurm's queue, left alone", "failed": "failed before",
}  # fmt: skip


@dataclass(frozen=True)
class Before:
    """What a sweep's folder knew before a command, to which it goes back if no run of that command begins.

    Attributes:
        folder: The folder, which need not exist.
        jobs: The names of its jobs.
        sweep: Its ``sweep.json``.
    """

    folder: Path
    jobs: frozenset[str]
    sweep: SweepRecord | None

    @classmethod
    def of(cls, folder: Path) -> "Before":
        """Return what a folder knows now."""
        return cls(folder, frozenset(job.name for job in known_jobs(folder)), find(folder / SWEEP, SweepRecord))

    def restore(self, jobs: Sequence[Job]) -> None:
        """Forget those of a command's jobs that are new and have not begun; then what no job is left to need."""
        for job in jobs:
            if job.name not in self.jobs and not job.run.exists:
                for file in (job.lock, job.log, job.log.with_suffix(".json")):
                    file.unlink(missing_ok=True)
        if self.sweep:
            self.sweep.write(self.folder / SWEEP)
        elif not known_jobs(self.folder):
            from ganexp.sweeps.search.study import discard

            discard(self.folder)
            (self.folder / SWEEP).unlink(missing_ok=True)
            shutil.rmtree(self.folder / SUBMITTED, ignore_errors=True)
            remove_empty(self.folder / "jobs", levels=4)


def opening(folder: Path, states: Mapping[str, str], retry: bool, where: str) -> str:
    """Return how many runs there are, how far they are, and where they will run."""
    counts = Counter(states.values())
    parts = [f"{counts[state]} {word}" for state, word in _WORDS.items() if counts[state]]
    again = ""
    if counts["failed"]:
        again = ", to try again" if retry else " (sweep.retry=true tries them again)"
    runs = f"{len(states)} run{'s' * (len(states) != 1)}"
    return f"{runs} in {relative(folder)}: {', '.join(parts)}{again}\n{where}"


def opening_search(folder: Path, trials: int, ended: int, workers: int, where: str) -> str:
    """Return how many trials there are to be, and where they will run."""
    return f"{trials} trials in {relative(folder)}: {ended} ended already, {workers} worker{'s' * (workers != 1)}\n{where}"


def close(before: Before, jobs: Sequence[Job], found: str = "") -> None:
    """Print a line per job, write the report, and say how to see and to continue; where nothing began, leave nothing.

    Arguments:
        before: The sweep's folder as the command found it.
        jobs: The command's jobs.
        found: What a search has found.
    """
    width = max((len(job.name) for job in jobs), default=0)
    state = states_of(jobs)
    print()
    for job in jobs:
        print(f"{job.name:<{width}}  {_outcome(job, state[job.name])}")
    if not (left_something(before.folder, jobs) or {"running", "queued"} & set(state.values())):
        before.restore(jobs)
        return
    if found:
        print(f"\n{found}")
    states = Counter(state.values())
    print(f"\n{_report(before.folder)}\ncurves    tensorboard --logdir {shlex.quote(relative(before.folder))}")
    if unfinished := states["unfinished"] + states["new"]:
        print(f"continue  the same command runs the {unfinished} that {'is' if unfinished == 1 else 'are'} missing")
    if states["failed"] and not found:
        print(f"retry     sweep.retry=true, added to the command, tries the {states['failed']} that failed again")


def left_something(folder: Path, jobs: Sequence[Job]) -> bool:
    """Return whether more is left of jobs than what has been printed: a run, or what tells why there is none."""
    if any(job.run.exists or job.status in ("failed", "killed") for job in jobs):
        return True
    # A job of Slurm that returned nothing has said why in its output, if anywhere.
    outputs = (folder / SUBMITTED).glob("*/*_log.out")
    return any(not any(output.parent.glob("*_result.pkl")) for output in outputs)


def relative(path: Path) -> str:
    """Return a path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _report(folder: Path) -> str:
    from ganexp.compare.__main__ import report

    try:
        made = report([str(folder)])
    except Exception as error:  # all runs are done and kept: that no page could be made of them is no reason to fail
        return f"report    none: {type(error).__name__}: {error}"
    return f"{made.text}\n\nreport    {relative(made.html)}\nnumbers   {relative(made.csv)}"


def _outcome(job: Job, state: str) -> str:
    """Return what became of a job, in one line: status, health, the value by which it is ranked, and what went wrong."""
    record, summary = note_end(job) if state == "finished" else job.record or job.note(), job.run.summary
    status = record.status
    if status == "running" and state not in ("running", "queued"):
        status = "killed"  # nobody was left to note it
    verdict = summary.health.verdict if summary and summary.health else ""
    value = f"{summary.best.by} {text(summary.metrics.get(summary.best.by))}" if summary and summary.best else ""
    reason = f"({record.reason})" if record.reason else ""
    return "  ".join(part for part in (f"{status:<8}", f"{verdict:<9}", value, reason) if part).rstrip()
