"""What a worker makes of the ends of runs; the runs are doubles."""

import json
import math
from dataclasses import replace

import pytest

from ganexp.runs.jobs import Job
from ganexp.sweeps.search.study import create, load
from ganexp.sweeps.search.worker import Worker, judge
from ganexp.sweeps.supervisor import Launch
from ganexp.training.job import CALLBACKS
from support.made_runs import best, summary


@pytest.fixture
def work(make_search):
    """Return a function that creates a search and lets one worker work on it; it returns the study's trials that began."""

    def let(number: int = 0, **options):
        search = make_search(**options)
        create(search)
        Worker(search, Launch(environment={"A": "1"})).work(number, {"B": "2"})
        return [t for t in load(search.folder, search.options.storage).get_trials() if "name" in t.user_attrs]

    return let


def test_every_trial_is_a_run_and_its_number_is_told(work, supervised, finished):
    runs = supervised(finished(3.0), finished(1.0), finished(2.0))
    trials = work()
    assert [trial.values for trial in trials] == [[3.0], [1.0], [2.0]]
    assert runs.names == [trial.user_attrs["name"] for trial in trials]
    assert runs.names[1].startswith("trial=001,d_optimizer.lr=")
    job, params = runs.jobs[0], trials[0].params
    assert job.overrides == ("data=digits", f"d_optimizer.lr={params['d_optimizer.lr']}", f"loss={params['loss']}")
    assert len({job.identity for job in runs.jobs}) == 3
    assert runs.environments[0] == {"A": "1", "B": "2"}


def test_the_best_state_counts_where_that_is_wanted(work, supervised, ended):
    supervised(ended("finished", metrics={"fid": 3.0}, best=best(fid=2.0)))
    assert [trial.value for trial in work(value="best", trials=1)] == [2.0]


def test_the_order_of_several_values_is_that_of_the_objectives(work, supervised, finished):
    supervised(finished(3.0, recall=0.5))
    assert [trial.values for trial in work(trials=1, objectives={"recall": "maximize", "fid": "minimize"})] == [[0.5, 3.0]]


@pytest.mark.parametrize(
    ("status", "summary", "state"),
    [
        ("pruned", {"exit_status": 0, "metrics": {"fid": 9.0}}, "PRUNED"),
        ("diverged", {"exit_status": 1, "metrics": {"fid": 9.0}}, "PRUNED"),
        ("stopped", {"exit_status": 1, "metrics": {"fid": 9.0}}, "PRUNED"),  # by an alarm
        ("refused", {}, "FAIL"),
        ("failed", {}, "FAIL"),
    ],
)
def test_a_bad_end_ends_nothing_but_its_trial(work, supervised, finished, ended, status, summary, state):
    supervised(ended(status, "because", **summary), finished(1.0))
    trials = work()
    assert [trial.state.name for trial in trials] == [state, "COMPLETE", "COMPLETE"]
    assert trials[0].user_attrs["reason"] == "because"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_run_without_the_value_has_failed(work, supervised, finished, value):
    supervised(finished(value))
    (trial,) = work(trials=1)
    assert (trial.state.name, trial.user_attrs["reason"]) == ("FAIL", "it has no fid")


def test_a_killed_run_continues_as_the_same_trial(work, supervised, finished, ended):
    runs = supervised(ended("killed", "by SIGKILL"), ended("killed", "by SIGKILL"), finished(1.0))
    assert [trial.value for trial in work(trials=1)] == [1.0]
    assert len(runs.names) == 3 and len(set(runs.names)) == 1


def test_a_run_that_is_killed_three_times_is_given_up(work, supervised, ended):
    runs = supervised(ended("killed", "by SIGKILL"))
    assert [trial.state.name for trial in work(trials=2)] == ["FAIL", "FAIL"]
    assert len(runs.names) == 6


def test_a_run_that_a_signal_stopped_continues_with_the_next_command(work, supervised, finished, ended):
    first = supervised(ended("stopped", "by SIGTERM", exit_status=143, metrics={}), finished(1.0))
    assert [trial.state.name for trial in work(trials=2)] == ["RUNNING", "COMPLETE"]
    second = supervised(finished(2.0))
    trials = work(trials=2)
    assert [trial.value for trial in trials] == [2.0, 1.0]
    assert second.names == first.names[:1]
    assert "kills" not in trials[0].user_attrs


def test_a_worker_that_is_told_to_stop_begins_nothing(work, supervised, finished, monkeypatch):
    runs = supervised(finished(1.0))
    monkeypatch.setattr("ganexp.sweeps.search.worker.asked_to_stop", lambda: len(runs.jobs) == 2)
    assert len(work(trials=5)) == 2


def test_a_run_that_outlived_its_worker_is_waited_for(work, supervised, finished, monkeypatch):
    monkeypatch.setattr("ganexp.sweeps.search.worker._PAUSE", 0.01)
    elsewhere = lambda job: replace(job.note(), status="elsewhere")  # noqa: E731
    runs = supervised(elsewhere, finished(1.0), elsewhere, finished(2.0))
    assert [trial.value for trial in work(trials=2)] == [2.0, 1.0]
    assert [name[:9] for name in runs.names] == ["trial=000", "trial=001", "trial=000", "trial=000"]


def test_the_end_of_a_run_counts_though_nobody_lived_to_note_it(make_search):
    record = Job(make_search().folder, "a", (), "").note(status="running")
    ends = {
        status: judge(record, summary(status=status, exit_status=code, metrics={"fid": 1.0}), make_search()).end
        for status, code in (("finished", 0), ("pruned", 0), ("diverged", 1), ("stopped", 143))
    }
    assert ends == {"finished": "complete", "pruned": "bad", "diverged": "bad", "stopped": "open"}
    assert judge(record, None, make_search()).end == "open"


def test_a_run_is_told_its_trial_only_where_a_pruner_watches(work, supervised, finished):
    pruner = {"_target_": "optuna.pruners.MedianPruner"}
    runs = supervised(finished(1.0, recall=1.0))
    work(trials=1, pruner=pruner)
    trial = json.loads(runs.environments[0][CALLBACKS])["trial"]
    assert (trial["number"], trial["value"], trial["pruner"]) == (0, "fid", pruner)


def test_a_worker_leaves_no_lock(work, supervised, finished, make_search):
    supervised(finished(1.0))
    work()
    assert not list((make_search().folder / "workers").iterdir())
