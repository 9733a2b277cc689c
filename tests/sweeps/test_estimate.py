import os
import signal
import sys
import tempfile
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from ganexp.runs.jobs import Job
from ganexp.sweeps.estimate import estimate
from ganexp.sweeps.supervisor import Launch, stopped_by
from support.made_runs import summary


def config(iterations=None, epochs=None, d_steps=1, batch_size=10, budget=None):
    trainer, schedule = {"max_iterations": iterations, "max_epochs": epochs}, {"d_steps": d_steps, "g_steps": 1}
    return OmegaConf.create({"trainer": trainer, "schedule": schedule, "data": {"batch_size": batch_size}, "budget": budget})


def said(tmp_path, missing, done, at_a_time=1):
    """Return the estimate for runs of these configurations, where one has needed 90 s for 100 iterations."""
    finished = Job(tmp_path, "done", ("done",), "")
    finished.run.create({"choices": {}}, [])
    finished.run.release()
    finished.run.write_summary(summary(training_seconds=90.0))
    jobs = [Job(tmp_path, str(index), (str(index),), "") for index in range(len(missing))]
    known = {("done",): done} | {job.overrides: content for job, content in zip(jobs, missing, strict=True)}
    launcher = SimpleNamespace(n_jobs=at_a_time, environment={})
    return estimate([finished, *jobs], jobs, Launch(), launcher, lambda overrides: known[tuple(overrides)])


@pytest.mark.parametrize(
    "missing, at_a_time, told",
    [
        ([config(100)], 1, "about 1 min 40 s for 1, 1 at a time"),  # 90 s, and 10 until it begins
        ([config(100)] * 6, 2, "about 5 min 00 s for 6, 2 at a time"),
        ([config(100)] * 2, 8, "about 1 min 40 s for 2, 2 at a time"),
        ([config(10)], 1, "about 19.0 s for 1"),
        ([config(100, d_steps=5)], 1, "about 4 min 40 s for 1"),  # six updates an iteration, not two
        ([config(40_000)], 1, "about 10 h 00 min for 1"),
        ([config(epochs=3)], 1, "about 1 min 40 s for 1"),  # another kind of budget: as the one that is known
        ([config()], 1, "about 1 min 40 s for 1"),
    ],
)
def test_time_goes_with_the_updates_of_players(tmp_path, missing, at_a_time, told):
    text = said(tmp_path, missing, config(100), at_a_time)
    assert text.startswith(told)
    assert text.endswith("(from done: 0.9 s per iteration, 100 iterations)")


def test_epochs_have_as_many_updates_as_batches(tmp_path):
    known = config(epochs=2)
    assert said(tmp_path / "a", [config(epochs=4, batch_size=20)], known).startswith("about 1 min 40 s")
    assert said(tmp_path / "b", [config(epochs=20)], known).startswith("about 15 min")


def test_budgets_of_time_are_compared_as_times(tmp_path):
    missing = [config(7, d_steps=5, budget="2min"), config(9, budget="60s")]
    assert said(tmp_path, missing, config(100, budget="1min")).startswith("about 4 min 50 s for 2")


def test_nothing_is_missing(tmp_path):
    assert said(tmp_path, [], config(100)) == "nothing is missing"


@pytest.mark.parametrize("begins", [True, False])
def test_a_run_that_is_tried_ends_with_the_command(tmp_path, monkeypatch, begins):
    script = tmp_path / "python"
    run = 'mkdir -p "$GANEXP_DIRECTORY/.hydra"; touch "$GANEXP_DIRECTORY/.hydra/config.yaml"' if begins else ":"
    told = f"echo stopped > {tmp_path}/told; kill $!; exit 143"
    script.write_text(
        f"#!/bin/sh\ntrap '{told}' TERM\nsleep 100 &\n{run}\n"
        f"echo $GANEXP_PARENT > {tmp_path}/parent; kill -TERM $GANEXP_PARENT; wait\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    jobs = [Job(tmp_path, str(number), (), "") for number in range(2)]
    said = estimate(jobs, jobs, Launch(), SimpleNamespace(n_jobs=1, environment={}), lambda overrides: config(100))
    assert said == "no estimate: it was stopped"
    assert ((tmp_path / "parent").read_text().strip(), (tmp_path / "told").read_text()) == (str(os.getpid()), "stopped\n")
    assert (stopped_by(), list((tmp_path / "temporary").iterdir())) == (signal.SIGTERM, [])
