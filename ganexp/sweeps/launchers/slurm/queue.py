"""What Slurm says of its jobs, and putting one back to the queue. Speaks with Slurm's commands; imports nothing heavy."""

import os
import re
import subprocess
from collections.abc import Collection

TIME, PLACE = "its time limit", "preempted"
"""Why Slurm warns a job."""

ANSWER = 60
"""Seconds that a command of Slurm's may take."""

_OVER = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"
}  # fmt: skip


def still_queued(ids: Collection[str]) -> set[str]:
    """Return which jobs, such as ``123_4``, wait, run or end in Slurm; none if it does not answer."""
    return {job for job, state in (states(ids) or {}).items() if job in ids and not is_over(state)}


def states(ids: Collection[str]) -> dict[str, str] | None:
    """Return Slurm's word for each job that it remembers, and for the others of their arrays; None if it does not answer."""
    if not (arrays := sorted({job.partition("_")[0] for job in ids})):
        return {}
    answer = _ask("squeue", "--noheader", "--array", "--states=all", "--format=%i %T", f"--jobs={','.join(arrays)}")
    if answer is None or (answer.returncode and "Invalid job id" not in answer.stderr):
        return None
    return dict(line.split(maxsplit=1) for line in answer.stdout.splitlines())


def is_over(state: str) -> bool:
    """Return whether a job of this state has ended."""
    return state in _OVER


def how_ended(job: str) -> str:
    """Return Slurm's word for the end of a job, from the queue or, once that has forgotten the job, from Slurm's accounts."""
    if job in (known := states([job]) or {}):
        return known[job]
    answer = _ask("sacct", "--noheader", "--allocations", "--parsable2", "--format=State", f"--jobs={job}")
    words = answer.stdout.split() if answer is not None else []
    return words[0] if words else "forgotten"  # further words say who cancelled it


def own_job() -> str:
    """Return the Slurm job that this process is in."""
    array, job = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ["SLURM_JOB_ID"]
    return job if array is None else f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"


def warning(job: str) -> str | None:
    """Return why Slurm warned a job that still runs; None if it is not to run on: it was cancelled, or is being put back."""
    answer = _ask("scontrol", "--oneliner", "show", "job", job)
    said = dict(re.findall(r"\b(JobState|PreemptTime)=(\S+)", answer.stdout)) if answer is not None else {}
    if said.get("JobState") != "RUNNING":
        return None
    return TIME if said.get("PreemptTime", "None") == "None" else PLACE


def put_back(job: str) -> str | None:
    """Put a job back to the queue; return why that is not possible."""
    answer = _ask("scontrol", "requeue", job)
    if answer is None:
        return "scontrol does not answer"
    return None if answer.returncode == 0 else answer.stderr.strip().rpartition("\n")[2]


def _ask(*command: str) -> "subprocess.CompletedProcess[str] | None":
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
