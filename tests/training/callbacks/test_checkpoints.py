"""Checkpoints that are kept, and which of them a run continues from."""

import math

import pytest
import torch

from ganexp.metrics import Metric
from ganexp.runs.checkpoint import last_good, load
from ganexp.training.train import train
from support.callbacks import measured_by
from support.crashes import crash
from support.tiny import TINY_RING

# A measurement every second iteration, a checkpoint every third.
OFTEN = (*TINY_RING, "trainer.max_iterations=12", "callbacks.evaluation.every=2", "callbacks.checkpoints.every=3")


class Scores(Metric):
    """Gives the score that is written for an iteration, whatever the samples."""

    def __init__(self, model, scores: dict[int, float]) -> None:
        self.goals = {"score": "min"}
        self.model, self.scores = model, scores

    def __call__(self, samples, reference):
        return {"score": self.scores.get(self.model.counters.iteration, 9.0)}


def scored(training, scores: dict[int, float]):
    """Let the measurements of a run be these."""
    return measured_by(training, Scores(training.model, scores), samples=4)


def iterations(training) -> dict[str, int]:
    """Return the iteration of each checkpoint of a run."""
    paths = (training.run.path / "checkpoints").iterdir()
    return {path.name: load(path).iteration for path in paths}


def test_only_the_last_two_are_kept(trained):
    training = trained(*TINY_RING, "callbacks.checkpoints.every=2", "metrics=none")
    assert iterations(training) == {"last.ckpt": 6, "previous.ckpt": 4}


def test_those_of_the_cadence_are_kept_where_that_is_wanted(trained):
    kept = iterations(trained(*TINY_RING, "callbacks.checkpoints.every=4", "callbacks.checkpoints.keep=true", "metrics=none"))
    assert kept == {"last.ckpt": 6, "previous.ckpt": 4, "00000004.ckpt": 4, "00000006.ckpt": 6}


@pytest.mark.parametrize("best", [4, 6, 12])  # apart from the checkpoints, at one of them, at the end
def test_the_best_is_kept_and_moves_neither_of_the_last_two(ready, best):
    training = scored(ready(*OFTEN), {2: 5.0, best: 1.0, 10: 2.0})
    summary = train(training, [])
    assert iterations(training) == {"last.ckpt": 12, "previous.ckpt": 9, "best.ckpt": best}
    assert summary.best.iteration == best
    assert last_good(training.run).iteration == 12


def test_the_best_is_the_state_that_was_measured(ready):
    training = scored(ready(*OFTEN), {4: 1.0})
    states = {}
    training.trainer.callbacks[0].on_train_batch_end = lambda trainer, model, *rest: states.setdefault(
        model.counters.iteration, {name: x.clone() for name, x in model.state_dict().items() if torch.is_tensor(x)}
    )
    train(training, [])
    saved = load(training.run.path / "checkpoints/best.ckpt").weights
    assert all(torch.equal(saved[name], x) for name, x in states[4].items())


def test_a_crash_does_not_make_a_run_forget_its_best(ready):
    crashing = scored(ready(*OFTEN), {2: 5.0, 8: 1.0})
    crash(crashing, 8)
    assert iterations(crashing) == {"last.ckpt": 6, "previous.ckpt": 3, "best.ckpt": 8}
    # Continued from 6 and at another rate, it does not get as good again.
    resumed = scored(ready(*OFTEN, "optimizer.lr=0.1"), {8: 2.0, 10: 1.5})
    summary = train(resumed, [])
    assert iterations(resumed)["best.ckpt"] == 8
    assert (summary.best.iteration, summary.best.metrics["score"]) == (8, 1.0)


def test_a_damaged_best_is_replaced(ready):
    crashing = scored(ready(*OFTEN), {8: 1.0})
    crash(crashing, 8)
    (crashing.run.path / "checkpoints/best.ckpt").write_bytes(b"torn")
    resumed = scored(ready(*OFTEN), {8: 2.0})
    assert train(resumed, []).best.metrics["score"] == 2.0
    assert iterations(resumed)["best.ckpt"] == 8


@pytest.mark.parametrize("network", ["generator", "discriminator", "average"])
def test_weights_that_are_not_finite_are_never_saved(ready, network):
    training = ready(*OFTEN, "~callbacks.scalars", "metrics=none")

    def spoil(trainer, model, *rest):
        if model.counters.iteration == 6:
            list(getattr(model, network).parameters())[-1].data.fill_(math.inf)

    training.trainer.callbacks[0].on_train_batch_end = spoil
    summary = train(training, [])
    assert (summary.status, summary.exit_status) == ("diverged", 1)
    assert summary.reason == f"weights of the {network} are not finite at iteration 6"
    assert iterations(training) == {"last.ckpt": 3}
