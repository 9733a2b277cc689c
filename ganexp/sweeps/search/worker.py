"""A worker of a search: it takes one trial after the other, runs it as a job of the sweep, and tells the study."""

import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganexp.runs.jobs import Job
from ganexp.runs.locks import hold
from ganexp.runs.records import JobRecord, Summary
from ganexp.sweeps.search.plan import Search
from ganexp.sweeps.search.space import overrides
from ganexp.sweeps.search.study import NAME
from ganexp.sweeps.search.trials import Trials
from ganexp.sweeps.supervisor import Launch, Task, asked_to_stop, listening, supervise
from ganexp.training.job import CALLBACKS

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_PAUSE = 5.0  # seconds between two looks at trials that run elsewhere


@dataclass(frozen=True)
class Outcome:
    """What a trial's job means for its study.

    Attributes:
        end: `complete`, `bad` (it counts as a bad one), `failed` (it teaches nothing), `killed`, or `open`: it is to continue.
        values: What a complete one scored, in the order of the objectives.
        reason: Why there are no values.
    """

    end: str
    values: list[float] | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Worker(Task):
    """The task of a search, as launchers call it: trials, until there are as many as were asked for.

    Attributes:
        search: The search, whose study has been created.
        launch: How its runs are started.
    """

    search: Search
    launch: Launch

    def work(self, number: int, environment: Mapping[str, str | None] | None = None) -> list[JobRecord]:
        """Return the records of the jobs that the worker of a number ran."""
        launch = self.launch.within(environment)
        trials = Trials(self.search, f"{number}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}")
        records: list[JobRecord] = []
        with hold(trials.lock), listening():
            left: set[int] = set()
            elsewhere: set[int] = set()
            while not asked_to_stop():
                trial = trials.next(without=left | elsewhere)
                if trial is None and not elsewhere:
                    break
                if trial is None:  # a run outlived its worker, and somebody has to tell the study of it
                    elsewhere.clear()
                    _wait(_PAUSE)
                    continue
                job = _job(self.search, trial)
                record = supervise(job, self._watched(launch, trial.number))
                if record.status == "elsewhere":
                    elsewhere.add(trial.number)
                    trials.give_back(trial.number)
                    continue
                records.append(record)
                if not _conclude(trials, trial.number, judge(record, job.run.summary, self.search)):
                    left.add(trial.number)
        trials.lock.unlink(missing_ok=True)
        return records

    def _watched(self, launch: Launch, number: int) -> Launch:
        """Give the run of a trial the callback that reports what it scores, if there is a pruner."""
        if not self.search.prunes:
            return launch
        trial = {
            "_target_": "ganexp.sweeps.search.trial.Trial", "folder": str(self.search.folder), "number": number,
            "value": next(iter(self.search.objectives)), "pruner": self.search.options.pruner,
            "storage": self.search.options.storage,
        }  # fmt: skip
        return launch.within({CALLBACKS: json.dumps({"trial": trial})})


def judge(record: JobRecord, summary: Summary | None, search: Search) -> Outcome:
    """Return what came of a trial.

    Arguments:
        record: The record of its job.
        summary: That of its run, if it has one.
        search: What counts.
    """
    status, reason = record.status, record.reason
    if summary and status in ("running", "waiting") and summary.exit_status in (0, 1):
        # The run ended, but the process that supervised it did not live to note that.
        status, reason = summary.status, summary.reason
    if status in ("refused", "failed", "killed"):
        return Outcome("killed" if status == "killed" else "failed", reason=reason)
    if status in ("diverged", "pruned") or (status == "stopped" and summary and summary.exit_status == 1):
        return Outcome("bad", reason=reason)
    if status != "finished" or summary is None:
        return Outcome("open")
    state = summary if search.options.value == "final" else summary.best
    scored = {name: value for name in search.objectives if state and (value := state.metrics.get(name)) is not None}
    if missing := [name for name in search.objectives if name not in scored]:
        return Outcome("failed", reason=f"it has no {' and no '.join(missing)}")
    return Outcome("complete", values=list(scored.values()))


def _conclude(trials: Trials, number: int, outcome: Outcome) -> bool:
    """Tell the study of a trial; return whether it may be taken again in this command."""
    if outcome.end == "open":
        trials.give_back(number)
    elif outcome.end == "killed":
        trials.killed(number, outcome.reason)
    else:
        trials.tell(number, outcome.end, outcome.values, outcome.reason)
    return outcome.end != "open"


def _job(search: Search, trial: "FrozenTrial") -> Job:
    """Return the job of a trial."""
    line = (*search.overrides, *overrides(trial.params))
    identity = hashlib.sha256("\n".join(line).encode()).hexdigest()[:16]
    return Job(search.folder, trial.user_attrs[NAME], line, identity)


def _wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not asked_to_stop():
        time.sleep(min(0.2, seconds))
