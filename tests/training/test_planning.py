"""Budgets of time, through the command line."""

import sys

import pytest
import torch

from ganexp.__main__ import main
from ganexp.runs.run import Run
from support.refused import refused
from support.tiny import TINY_RING

QUICK = (*TINY_RING, "trainer.accelerator=cpu", "callbacks.evaluation.times=1", "callbacks.samples.times=1")


@pytest.fixture
def ganexp(monkeypatch, tmp_path):
    """Return a function that runs a command line in this process, in an empty folder, and returns its run."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["ganexp", *arguments])
        main()
        (path,) = (path.parent for path in tmp_path.glob("outputs/*/*/summary.json"))
        return Run(path)

    return run


def budget_of(run):
    return {key: run.config["trainer"][key] for key in ("max_epochs", "max_iterations")}


def test_a_time_becomes_iterations_which_the_run_keeps(ganexp, capsys):
    run = ganexp(*QUICK, "budget=1s")
    found = budget_of(run)
    assert run.summary.status == "finished" and run.summary.iteration == found["max_iterations"] > 10
    assert found["max_epochs"] is None and run.config["budget"] == "1s"
    assert f"{found['max_iterations']:,} iterations" in capsys.readouterr().err
    assert budget_of(ganexp(f"resume={run.path}")) == found, "the speed is not measured again"
    longer = ganexp(f"resume={run.path}", f"trainer.max_iterations={found['max_iterations'] + 5}")
    assert longer.summary.iteration == found["max_iterations"] + 5


def test_what_was_measured_first_leaves_no_trace(ganexp, tmp_path):
    run = ganexp(*QUICK, "callbacks.weights.times=1", "budget=0.5s")
    iterations = run.config["trainer"]["max_iterations"]
    (tmp_path / "outputs").rename(tmp_path / "planned")
    same = ganexp(*QUICK, "callbacks.weights.times=1", f"trainer.max_iterations={iterations}")
    weights = [
        torch.load(next((folder / "weights").glob("generator-*.pt")), weights_only=True)
        for folder in (next(tmp_path.glob("planned/*/*")), same.path)
    ]
    assert all(torch.equal(weights[0][name], weight) for name, weight in weights[1].items())


def test_a_tiny_budget_has_one_iteration(ganexp):
    assert ganexp(*QUICK, "budget=0.001s").summary.iteration >= 1


@pytest.mark.parametrize("text", ["5", "5 m", "min", "0s", "-1s", "[5min]", "true"])
def test_what_is_no_time_is_refused(ganexp, monkeypatch, text):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with refused("budget"):
        ganexp(*QUICK, f"budget={text}")


def test_one_budget_is_enough(ganexp, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with refused("budget", "trainer.max_iterations"):
        ganexp(*QUICK, "budget=1s", "trainer.max_iterations=5")
