"""Where the jobs of a sweep run: what a launcher has to do.

To add one, write a module in this folder with a subclass of :class:`Launcher`, and ``conf/launcher/<name>.yaml`` with its
``_target_`` and its options: ``launcher=<name>`` then chooses it. Nothing else needs an edit. :mod:`.joblib` is a short
example; the package beside it is one with a queue, whose jobs outlive the command.

A run is a process of its own, which the work of a :class:`ganexp.sweeps.supervisor.Task` starts and survives. A launcher calls
that work, in this process or in another one. Where it takes a run's place away, it sends the process that does the work SIGTERM
or SIGUSR2: the run saves, the work returns, and the next command continues the run.
"""

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ganexp.runs.jobs import Job
from ganexp.sweeps.supervisor import Task

FILES = ".launcher"
"""The folder in a sweep's folder where a launcher keeps files of its own; it is deleted with a sweep in which nothing began."""


class Launcher(ABC):
    """Does the work of a task, several numbers at a time.

    Its constructor takes the options of its YAML, typed, and refuses with a ``ConfigError`` what is not available.

    Attributes:
        n_jobs: How many runs it has at a time, as far as it knows.
        echoes: Whether the terminal shows what runs print.
        environment: Variables of the first run, by which a dry run tries it; None removes one.
    """

    n_jobs: int = 1
    echoes: bool = False
    environment: Mapping[str, str | None] = {}

    def setup(self, task: Task, folder: Path) -> None:
        """Take what is to be done, and the sweep's folder."""
        self.task, self.folder = task, folder

    @abstractmethod
    def describe(self) -> str:
        """Return where the runs are, in words."""

    @abstractmethod
    def launch(self, lines: Sequence[Sequence[str]]) -> None:
        """Do the work of the numbers 0, 1, ..., one for each line, and return when it has ended or this process is to stop.

        Whatever becomes of a run, its work notes it in the record of the job. Where the work itself did not live to do so, the
        launcher does: with the status `killed` and the reason.

        Arguments:
            lines: The overrides of each piece of work; the work knows them, too.

        Raises:
            ConfigError: It takes none of them.
        """

    @classmethod
    def pending(cls, tickets: Collection[str]) -> set[str]:
        """Return which of the tickets that it noted in records of jobs stand for work that still waits, runs or ends."""
        return set()

    def has_output(self) -> bool:
        """Return whether its own files say why there is no run."""
        return False


def states_of(jobs: Sequence[Job]) -> dict[str, str]:
    """Return by name how far each job of a sweep is, as :attr:`Job.state`, or `queued` if a launcher has it in its queue."""
    found = {job.name: job.state for job in jobs}
    tickets: dict[str, dict[str, str]] = {}
    for job in jobs:
        record = job.record
        if found[job.name] in ("new", "unfinished") and record and record.launcher and record.ticket:
            tickets.setdefault(record.launcher, {})[record.ticket] = job.name
    for launcher, names in tickets.items():
        for ticket in pkgutil.resolve_name(launcher).pending(names):
            found[names[ticket]] = "queued"
    return found
