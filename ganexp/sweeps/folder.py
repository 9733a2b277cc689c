"""A sweep's folder: made when something is to run in it, described, and left as it was where nothing began."""

import os
import shlex
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from ganexp.config.compose import assigned
from ganexp.config.errors import ConfigError
from ganexp.config.secret import redact
from ganexp.runs.files import remove_empty
from ganexp.runs.jobs import Job, known_jobs
from ganexp.runs.records import Searched, SweepRecord, find
from ganexp.sweeps.launchers import FILES
from ganexp.sweeps.supervisor import now

SWEEP = "sweep.json"
"""The file that describes a sweep."""


def make_folder(folder: Path) -> None:
    """Make the folder unless it is there.

    Raises:
        ConfigError: It cannot be made or written.
    """
    try:
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        writable = os.access(folder / "jobs", os.W_OK | os.X_OK)
    except OSError as error:
        raise ConfigError(f"the sweep's folder {folder} cannot be made: {error.strerror}", "output_dir") from error
    if not writable:
        raise ConfigError(f"the sweep's folder {folder} cannot be written", "output_dir")


def describe_sweep(
    folder: Path, config: DictConfig, swept: Collection[str], launcher: str, search: Searched | None = None
) -> None:
    """Write ``sweep.json``: the latest command, when the first one was given, all keys that varied, what is searched for."""
    before = find(folder / SWEEP, SweepRecord)
    order = list(assigned(config.hydra.overrides.task))
    keys = sorted(swept, key=lambda key: order.index(key) if key in order else len(order))
    record = SweepRecord(
        command=redact(shlex.join(["python", "-m", "ganexp", *sys.argv[1:]])),
        swept=list(dict.fromkeys([*(before.swept if before else ()), *keys])),
        launcher=launcher,
        began=before.began if before else now(),
        search=search,
    )
    record.write(folder / SWEEP)


@dataclass(frozen=True)
class Before:
    """What a sweep's folder knew before a command, to which it goes back if no run of that command begins.

    Attributes:
        folder: The folder, which need not exist.
        jobs: The names of its jobs.
        sweep: Its ``sweep.json``.
        storage: The database in which the command keeps a study; None: in the folder, or there is none.
    """

    folder: Path
    jobs: frozenset[str]
    sweep: SweepRecord | None
    storage: str | None = None

    @classmethod
    def of(cls, folder: Path, storage: str | None = None) -> "Before":
        """Return what a folder knows now."""
        return cls(folder, frozenset(job.name for job in known_jobs(folder)), find(folder / SWEEP, SweepRecord), storage)

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

            discard(self.folder, self.storage)
            (self.folder / SWEEP).unlink(missing_ok=True)
            shutil.rmtree(self.folder / FILES, ignore_errors=True)
            remove_empty(self.folder / "jobs", levels=4)
