"""A job of a sweep: one run, and the record of what became of it.

Contract: ``<sweep>/jobs/<name>.json`` tells of every job, also of those that left no run directory; beside it are the job's log
and its lock, which the process that works on the job holds.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganexp.runs.locks import is_held
from ganexp.runs.records import JobRecord, find
from ganexp.runs.run import Run

# What a run's exit status says of it: done; came to a bad end, which trying again would not change by itself; else interrupted.
_DONE, _BAD = (0,), (1, 2)


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes:
        folder: The sweep's folder.
        name: The name of the run directory in it.
        overrides: What the run's command line would be.
        identity: Sixteen hexadecimal digits that are equal for equal configurations.
        source: The same for configurations that have yet to be resolved; empty where the run is not to be checked by it.
    """

    folder: Path
    name: str
    overrides: tuple[str, ...]
    identity: str
    source: str = field(default="", compare=False)

    @property
    def run(self) -> Run:
        """The run directory, which may not be there yet."""
        return Run(self.folder / self.name)

    @property
    def lock(self) -> Path:
        """The file whose lock the process that works on the job holds."""
        return self._file("lock")

    @property
    def log(self) -> Path:
        """What the run prints, one attempt after the other."""
        return self._file("log")

    @property
    def command(self) -> str:
        """The command that makes the same run by itself, with the flags that are in the record."""
        record = self.record
        return self._command(record.flags if record else ())

    @property
    def record(self) -> JobRecord | None:
        """What is known of the job; None if nothing is, or if the file is damaged."""
        return find(self._file("json"), JobRecord)

    @property
    def status(self) -> str | None:
        """The status in the record; None where there is none."""
        record = self.record
        return record.status if record else None

    def note(self, **changes: Any) -> JobRecord:
        """Change the record, which is begun if it is missing, and return it."""
        known: dict[str, Any] = {
            "name": self.name,
            "directory": str(self.run.path),
            "overrides": list(self.overrides),
            "identity": self.identity,
            "log": f"jobs/{self.log.name}",
            "command": "",
        }
        before = self.record
        record = replace(before, **known, **changes) if before else JobRecord(**known, **changes)
        record = replace(record, command=self._command(record.flags))
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        record.write(self._file("json"))
        return record

    @property
    def state(self) -> str:
        """How far the job is: `running` if somebody works on it, else what :attr:`reached` says."""
        return "running" if is_held(self.lock) or is_held(self.run.lock) else self.reached

    @property
    def reached(self) -> str:
        """How far the job has come: `new`, `unfinished`, `finished`, or `failed`, which would end in the same way again."""
        summary = self.run.summary
        if summary and summary.exit_status in _DONE:
            return "finished"
        if (summary and summary.exit_status in _BAD) or self.status in ("refused", "failed"):
            return "failed"
        return "unfinished" if self.run.exists else "new"

    def _command(self, flags: Sequence[str]) -> str:
        return shlex.join(["python", "-m", "ganexp", *flags, *self.overrides])

    def _file(self, kind: str) -> Path:
        return self.folder / "jobs" / f"{self.name}.{kind}"


def known_jobs(folder: Path) -> list[Job]:
    """Return the jobs of which a sweep's folder knows.

    Raises:
        ConfigError: A record is of another format.
    """
    records = (find(file, JobRecord) for file in sorted((folder / "jobs").glob("[!.]*.json")))
    return [Job(folder, record.name, tuple(record.overrides), record.identity) for record in records if record]
