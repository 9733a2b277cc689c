"""Runs that are trials: what they report, and how they end when others do better."""

from itertools import count

import pytest

from ganexp.config.compose import flatten
from ganexp.metrics import Metric
from ganexp.sweeps.search.plan import Options, Search
from ganexp.sweeps.search.study import create, load
from ganexp.sweeps.search.trials import Trials
from ganexp.training.summary import table
from ganexp.training.train import train
from support.callbacks import measured_by
from support.crashes import crash
from support.tiny import TINY_RING

pytest.importorskip("optuna")

# A measurement after each tenth of the budget.
OFTEN = (*TINY_RING, "trainer.max_iterations=20", "callbacks.evaluation.every=2", "callbacks.checkpoints.every=6")


class Rising(Metric):
    """Gives generated samples 1, 2, 3 ..."""

    def __init__(self) -> None:
        self.goals = {"score": "min"}
        self.numbers = count(1)

    def __call__(self, samples, reference):
        return {"score": 0.0 if samples.raw is reference.real("test", len(samples)).raw else float(next(self.numbers))}


@pytest.fixture
def as_trial(ready, tmp_path):
    """Return a function that prepares a run as a trial of a study in which a run was pruned for a score above a limit."""
    folder = tmp_path / "study"

    def make(limit: float, *overrides: str, value: str = "score"):
        if not folder.exists():
            options = Options(
                space={"a": "interval(0,1)"}, trials=1, workers=1, sampler=None, pruner=None, storage=None, seed=0,
                objectives={"score": "minimize"}, value="final",
            )  # fmt: skip
            search = Search(folder, options, ())
            create(search)
            Trials(search, "worker").next()
        node = {
            "_target_": "ganexp.sweeps.search.trial.Trial", "folder": str(folder), "storage": None, "number": 0, "value": value,
            "pruner": {"_target_": "optuna.pruners.ThresholdPruner", "upper": limit},
        }  # fmt: skip
        trial = [f"+callbacks.trial.{key}={'null' if option is None else option}" for key, option in flatten(node).items()]
        training = ready(*OFTEN, *overrides, *trial)
        return measured_by(training, Rising(), samples=4)

    make.reports = lambda: load(folder, None).get_trials()[0].intermediate_values
    return make


def test_every_measurement_is_reported_by_the_share_of_the_budget(as_trial):
    summary = train(as_trial(99.0), [])
    assert (summary.status, summary.exit_status) == ("finished", 0)
    assert as_trial.reports() == {10 * n: float(n) for n in range(1, 11)}


def test_a_pruned_run_ends_saves_and_says_why(as_trial):
    training = as_trial(2.5)
    summary = train(training, [])
    assert (summary.status, summary.exit_status, summary.iteration) == ("pruned", 0, 6)
    assert summary.reason == "by ThresholdPruner: score is 3 at iteration 6"
    assert training.run.summary == summary
    assert "pruned (by ThresholdPruner" in table(summary)
    assert (training.run.path / "checkpoints/last.ckpt").is_file()
    assert as_trial.reports() == {10: 1.0, 20: 2.0, 30: 3.0}


def test_at_the_end_of_the_budget_nothing_is_pruned(as_trial):
    assert train(as_trial(9.5), []).status == "finished"
    assert len(as_trial.reports()) == 10


def test_a_run_that_continues_reports_nothing_twice(as_trial):
    crashing = as_trial(99.0)
    crash(crashing, 8)  # saved at 6, measured at 8
    assert list(as_trial.reports()) == [10, 20, 30, 40]
    train(as_trial(99.0), [])
    assert list(as_trial.reports()) == [10 * n for n in range(1, 11)]
    assert as_trial.reports()[40] == 4.0, "what was reported stays"


def test_a_value_that_nobody_measures_is_not_reported(as_trial):
    assert train(as_trial(0.0, value="other"), []).status == "finished"
    assert as_trial.reports() == {}
