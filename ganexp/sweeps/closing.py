"""What the terminal says before a sweep and after it."""

import shlex
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ganexp.runs import remove_empty
from ganexp.sweeps.jobs import Job
from ganexp.sweeps.slurm_queue import states_of
from ganexp.values import text

_WORDS = {
    "new": "to begin", "unfinished": "to continue", "finished": "finished already",
    "running": "being worked on elsewhere, left alone", "queued": "in Slurm's queue, left alone", "failed": "failed before",
}  # fmt: skip


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


def close(folder: Path, jobs: Sequence[Job], found: str = "") -> None:
    """Print a line per job, write the report, and say how to see and to continue; remove a folder in which nothing began.

    Arguments:
        folder: The sweep's folder.
        jobs: Its jobs.
        found: What a search has found.
    """
    width = max((len(job.name) for job in jobs), default=0)
    state = states_of(jobs)
    print()
    for job in jobs:
        print(f"{job.name:<{width}}  {_outcome(job, state[job.name])}")
    if not any(job.run.exists for job in jobs) and not {"running", "queued"} & set(state.values()):
        abandon(folder, jobs)
        return
    if found:
        print(f"\n{found}")
    states = Counter(state.values())
    print(f"\n{_report(folder)}\ncurves    tensorboard --logdir {shlex.quote(relative(folder))}")
    if unfinished := states["unfinished"] + states["new"]:
        print(f"continue  the same command runs the {unfinished} that {'is' if unfinished == 1 else 'are'} missing")
    if states["failed"] and not found:
        print(f"retry     sweep.retry=true, added to the command, tries the {states['failed']} that failed again")


def relative(path: Path) -> str:
    """Return a path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _report(folder: Path) -> str:
    from ganexp.compare import report

    try:
        made = report([str(folder)])
    except Exception as error:  # all runs are done and kept: that no page could be made of them is no reason to fail
        return f"report    none: {type(error).__name__}: {error}"
    return f"{made.text}\n\nreport    {relative(made.html)}\nnumbers   {relative(made.csv)}"


def _outcome(job: Job, state: str) -> str:
    """Return what became of a job, in one line: status, health, the value by which it is ranked, and what went wrong."""
    record, summary = job.record, job.run.summary
    status = record.get("status", "finished")
    if status == "running" and state not in ("running", "queued"):
        status = "killed"  # nobody was left to note it
    by = (summary.get("best") or {}).get("by")
    verdict = (summary.get("health") or {}).get("verdict", "")
    value = f"{by} {text(summary['metrics'].get(by))}" if by else ""
    reason = f"({record['reason']})" if record.get("reason") else ""
    return "  ".join(part for part in (f"{status:<8}", f"{verdict:<9}", value, reason) if part).rstrip()


def abandon(folder: Path, jobs: Sequence[Job]) -> None:
    """Delete a sweep of which no run began: there is nothing in it but what has just been printed."""
    from ganexp.search.study import discard

    for job in jobs:
        for file in (job.lock, job.log, job.log.with_suffix(".json")):
            file.unlink(missing_ok=True)
    discard(folder)
    (folder / "sweep.json").unlink(missing_ok=True)
    shutil.rmtree(folder / ".submitit", ignore_errors=True)
    remove_empty(folder / "jobs", levels=4)
