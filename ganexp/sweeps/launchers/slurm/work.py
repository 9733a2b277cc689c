"""What runs inside a Slurm job: the work of a task, and the way back to the queue.

Contract: when Slurm warns the job, the run is stopped, which saves, and the job goes back to the queue, to continue there. When
Slurm ends the job, the run is stopped too, and the job ends. Only work that is over has a result.
"""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ganexp.runs.jobs import Job
from ganexp.runs.locks import Held, hold
from ganexp.sweeps.launchers.slurm.queue import TIME, own_job, put_back, warning
from ganexp.sweeps.supervisor import Supervisor, Task, listening, stopped_by

LAUNCHER = "ganexp.sweeps.launchers.slurm.launcher.Slurm"
"""What records of jobs name as their launcher."""

# By these Lightning takes a process for one that `srun` started, and handles Slurm's signals itself.
_OF_SRUN = ("SLURM_NTASKS", "SLURM_NTASKS_PER_NODE", "SLURM_NPROCS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID")


@dataclass(frozen=True)
class Stopped:
    """What work returns that has stopped and cannot go back to the queue, and why."""

    reason: str


@dataclass(frozen=True)
class Work:
    """What a Slurm job calls, each time it is started.

    Attributes:
        task: The task.
        number: The number of its work.
        most: How often the job may be put back when its time is up.
    """

    task: Task
    number: int
    most: int

    @classmethod
    def of(cls, task: Task, number: int, most: int) -> "Work":
        """Return the work of a number, without the jobs of others, which it would carry along."""
        if isinstance(task, Supervisor):
            return cls(replace(task, jobs=[task.jobs[number]]), 0, most)
        return cls(task, number, most)

    @property
    def job(self) -> Job | None:
        """The sweep's job, if that is what the work is."""
        return self.task.jobs[self.number] if isinstance(self.task, Supervisor) else None

    def __call__(self) -> Any:
        """Do the work, or as much as there is time for; the process then ends without a result."""
        self.note(launcher=LAUNCHER, ticket=own_job())
        with listening():
            returned = self.task.work(self.number, environment(os.environ))
            if stopped_by() is None or (self.job is not None and self.job.reached in ("finished", "failed")):
                return returned
            if (why := warning(own_job())) is not None and (problem := self._put_back(why)) is not None:
                return Stopped(f"{why}: {problem}")
            sys.exit(128 + signal.SIGTERM)

    def note(self, **changes: Any) -> None:
        """Change the record of the sweep's job, if there is one and nobody works on it."""
        if self.job is not None:
            with suppress(Held), hold(self.job.lock):
                self.job.note(**changes)

    def _put_back(self, why: str) -> str | None:
        """Put this job back to the queue, or note why not; return that."""
        if why == TIME and int(os.environ.get("SLURM_RESTART_COUNT", 0)) >= self.most:
            problem: str | None = "as often as max_num_timeout allows"
        else:
            self.note(status="waiting", reason=why)
            problem = put_back(own_job())
        if problem is not None:
            self.note(status="stopped", reason=f"{why}: {problem}")
        return problem


def environment(present: Mapping[str, str]) -> dict[str, str | None]:
    """Return what is to differ in a run's environment from that of its Slurm job; None removes a variable."""
    cores = present.get("SLURM_CPUS_PER_TASK") or present.get("SLURM_CPUS_ON_NODE")
    threads = {"OMP_NUM_THREADS": cores} if cores and "OMP_NUM_THREADS" not in present else {}
    return dict.fromkeys((name for name in _OF_SRUN if name in present), None) | threads
