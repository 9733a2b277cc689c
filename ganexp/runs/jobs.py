"""A job of a sweep: one run, and the record of what became of it.

Contract: ``<sweep>/jobs/<name>.json`` tells of every job, also of those that left no run directory; beside it are the job's log
and its lock, which the process that works on the job holds.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganexp.runs.files import write_json
from ganexp.runs.locks import is_held
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
        return self._command(self.record)

    @property
    def record(self) -> dict[str, Any]:
        """What is known of the job; empty if nothing is, or if the file is damaged."""
        return read_record(self._file("json"))

    def note(self, **changes: Any) -> dict[str, Any]:
        """Change the record, which is begun if it is missing, and return it."""
        blank: dict[str, Any] = {
            "status": "waiting",
            "reason": None,
            "exit_status": None,
            "attempts": 0,
            "host": None,
            "pid": None,
            "slurm": None,
            "flags": [],
        }
        known = {
            "name": self.name,
            "directory": str(self.run.path),
            "overrides": list(self.overrides),
            "identity": self.identity,
        }
        record = blank | {"began": None, "ended": None} | self.record | known
        record |= {"log": f"jobs/{self.log.name}", **changes}
        record["command"] = self._command(record)
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._file("json"), record)
        return record

    @property
    def state(self) -> str:
        """How far the job is: `running` if somebody works on it, else what :attr:`reached` says."""
        return "running" if is_held(self.lock) or is_held(self.run.lock) else self.reached

    @property
    def reached(self) -> str:
        """How far the job has come: `new`, `unfinished`, `finished`, or `failed`, which would end in the same way again."""
        ended = self.run.summary.get("exit_status")
        if ended in _DONE:
            return "finished"
        if ended in _BAD or self.record.get("status") in ("refused", "failed"):
            return "failed"
        return "unfinished" if self.run.exists else "new"

    def _command(self, record: Mapping[str, Any]) -> str:
        return shlex.join(["python", "-m", "ganexp", *record.get("flags", ()), *self.overrides])

    def _file(self, kind: str) -> Path:
        return self.folder / "jobs" / f"{self.name}.{kind}"


def read_record(path: Path) -> dict[str, Any]:
    """Return the content of a job's record; empty if there is none, or if it is damaged."""
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and {"name", "overrides", "identity"} <= record.keys() else {}


def known_jobs(folder: Path) -> list[Job]:
    """Return the jobs of which a sweep's folder knows."""
    records = filter(None, map(read_record, sorted((folder / "jobs").glob("*.json"))))
    return [Job(folder, record["name"], tuple(record["overrides"]), record["identity"]) for record in records]
