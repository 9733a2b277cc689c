"""Searches that have been planned, without composing anything, and doubles for what runs their trials."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganexp.runs.jobs import Job
from ganexp.runs.records import JobRecord
from ganexp.sweeps.search.plan import Options, Search
from support.made_runs import summary


@pytest.fixture
def make_search(tmp_path: Path) -> Callable[..., Search]:
    """Return a function that makes a search for the lowest fid, from options that differ."""
    pytest.importorskip("optuna")

    def make(shared=None, **options) -> Search:
        defaults = {
            "space": {"d_optimizer.lr": "tag(log,interval(1e-5,1e-2))", "loss": "hinge,r3gan"},
            "trials": 3, "workers": 1, "sampler": None, "pruner": None, "objectives": {"fid": "minimize"},
            "value": "final", "storage": None, "seed": 0,
        }  # fmt: skip
        return Search(tmp_path / "sweep", Options(**defaults | options), ("data=digits",), shared or {})

    return make


class Runs:
    """A double for the supervisor: each run ends as the next of some endings says, then as the last of them.

    An ending is a function of the job, which returns its record.
    """

    def __init__(self, *endings: Callable[[Job], JobRecord]) -> None:
        self.endings: Iterator[Callable[[Job], JobRecord]] = iter(endings)
        self.ending = endings[-1]
        self.jobs: list[Job] = []
        self.environments: list[dict] = []

    def __call__(self, job: Job, launch) -> JobRecord:
        self.jobs.append(job)
        self.environments.append(dict(launch.environment))
        self.ending = next(self.endings, self.ending)
        return self.ending(job)

    @property
    def names(self) -> list[str]:
        return [job.name for job in self.jobs]


@pytest.fixture
def supervised(monkeypatch) -> Callable[..., Runs]:
    """Return a function that lets the runs of workers end as it is told."""

    def let(*endings: Callable[[Job], JobRecord]) -> Runs:
        runs = Runs(*endings)
        monkeypatch.setattr("ganexp.sweeps.search.worker.supervise", runs)
        return runs

    return let


def ends(status: str, reason: str | None = None, **content) -> Callable[[Job], JobRecord]:
    """Return an ending with a status, and a summary if something is given of it."""

    def end(job: Job) -> dict:
        if content:
            job.run.write_summary(summary(status=status, reason=reason, **content))
        return job.note(status=status, reason=reason)

    return end


@pytest.fixture
def finished() -> Callable[..., Callable[[Job], JobRecord]]:
    """Return a function that makes the ending of a run with a number."""
    return lambda fid, **values: ends("finished", exit_status=0, metrics={"fid": fid, **values})


@pytest.fixture
def ended() -> Callable[..., Callable[[Job], JobRecord]]:
    """Return a function that makes other endings."""
    return ends
