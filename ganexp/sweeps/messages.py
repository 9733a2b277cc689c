"""What the terminal says before a sweep and after it."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ganexp.comparison.words import count, relative
from ganexp.runs.jobs import Job
from ganexp.runs.signals import text
from ganexp.sweeps.folder import Before
from ganexp.sweeps.launchers import Launcher, states_of
from ganexp.sweeps.supervisor import note_end

_WORDS = {
    "new": "to begin", "unfinished": "to continue", "finished": "already finished",
    "running": "running elsewhere", "queued": "in the queue", "failed": "failed before",
}  # fmt: skip


def opening(folder: Path, states: Mapping[str, str], retry: bool, where: str) -> str:
    """Return how many runs there are, how far they are, and where they will run."""
    counts = Counter(states.values())
    how_far = ", ".join(f"{counts[state]} {word}" for state, word in _WORDS.items() if counts[state])
    again = ", to try again" if retry else " (sweep.retry=true tries them again)"
    return f"{count(len(states), 'run')} in {relative(folder)}: {how_far}{again if counts['failed'] else ''}\n{where}"


def opening_search(folder: Path, trials: int, ended: int, workers: int, where: str) -> str:
    """Return how many trials there are to be, and where they will run."""
    return f"{trials} trials in {relative(folder)}: {ended} already ended, {count(workers, 'worker')}\n{where}"


def close(before: Before, jobs: Sequence[Job], launcher: Launcher, found: str = "") -> None:
    """Print a line per job, write the report, and say how to see and to continue; where nothing began, leave nothing.

    Arguments:
        before: The sweep's folder as the command found it.
        jobs: The command's jobs.
        launcher: What ran them.
        found: What a search has found.
    """
    width = max((len(job.name) for job in jobs), default=0)
    state = states_of(jobs)
    print("", *(f"{job.name:<{width}}  {_outcome(job, state[job.name])}" for job in jobs), sep="\n")
    began = any(job.run.exists or job.status in ("failed", "killed") for job in jobs)
    if not (began or {"running", "queued"} & set(state.values()) or launcher.has_output()):
        before.restore(jobs)
        return
    if found:
        print(f"\n{found}")
    states = Counter(state.values())
    print(f"\n{_report(before.folder)}\ncurves    tensorboard --logdir {shlex.quote(relative(before.folder))}")
    if unfinished := states["unfinished"] + states["new"]:
        print(f"continue  the same command runs the {unfinished} that {'is' if unfinished == 1 else 'are'} missing")
    if states["failed"] and not found:
        print(f"retry     add sweep.retry=true to try the {states['failed']} that failed again")


def _report(folder: Path) -> str:
    from ganexp.comparison.program import Options, report

    try:
        made = report(Options([str(folder)]))
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
