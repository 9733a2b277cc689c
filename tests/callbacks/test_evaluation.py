import csv
import json

import pytest
import torch
from lightning.pytorch import Callback

from ganexp.data import Data
from ganexp.metrics import Metric
from ganexp.summary import table
from ganexp.train import train
from tiny import TINY_RING, Crash, StopAt


class Worried(Metric):
    """Finds something in every measurement that is odd, and forgets it in the next."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, samples: torch.Tensor, data: Data) -> dict[str, float]:
        self.calls += 1
        return {"calls": float(self.calls), "count": float(len(samples))}

    def verdict(self, values: dict[str, float]) -> str | None:
        return f"call {values['calls']:.0f} was odd" if values["calls"] % 2 else None


def evaluation(training):
    return next(c for c in training.trainer.callbacks if type(c).__name__ == "Evaluation")


def knowing(training):
    """Let the model measure something by itself."""
    training.model.evaluate = lambda data: {"test_accuracy": 0.25, "classes": float(data.num_classes)}
    return training


def last_row(training) -> dict[str, str]:
    with open(training.run.path / "metrics.csv") as file:
        return list(csv.DictReader(file))[-1]


def test_the_model_adds_its_own_values(ready):
    training = knowing(ready(*TINY_RING, "callbacks.evaluation.times=1"))
    summary = train(training, [])
    assert summary["metrics"]["test_accuracy"] == 0.25
    assert {"modes", "high_quality", "classes"} <= set(summary["metrics"])
    assert float(last_row(training)["metrics/test_accuracy"]) == 0.25


def test_the_model_is_asked_without_metrics_too(ready):
    training = knowing(ready(*TINY_RING, "metrics=none"))
    training.model.sample = None  # nothing is drawn where nothing is judged
    training.trainer.callbacks = [c for c in training.trainer.callbacks if type(c).__name__ != "Samples"]
    summary = train(training, [])
    assert summary["metrics"]["test_accuracy"] == 0.25
    assert summary["measured"]["metrics"] == {}


def test_nothing_to_measure_leaves_nothing(trained):
    training = trained(*TINY_RING, "metrics=none")
    assert training.run.summary["measured"] is None
    assert not [tag for tag in last_row(training) if tag.startswith("metrics/")]


@pytest.mark.parametrize(("times", "warnings"), [(1, ["call 1 was odd"]), (2, []), (3, ["call 3 was odd"])])
def test_the_last_verdicts_are_warnings(ready, times, warnings):
    training = ready(*TINY_RING, f"callbacks.evaluation.times={times}")
    evaluation(training).metrics = {"worried": Worried()}
    summary = train(training, [])
    assert summary["warnings"] == json.loads((training.run.path / "summary.json").read_text())["warnings"] == warnings
    lines = [line for line in table(summary).splitlines() if line.startswith("warning")]
    assert [line.removeprefix("warning").strip() for line in lines] == warnings


class Stop(Callback):
    """Stop a run as a signal would."""

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        trainer.should_stop = True


def test_verdicts_survive_until_the_next_measurement(ready):
    overrides = (*TINY_RING, "trainer.max_iterations=9", "callbacks.evaluation.every=5", "callbacks.checkpoints.every=3")
    crashing = ready(*overrides)
    evaluation(crashing).metrics = {"worried": Worried()}
    crashing.trainer.callbacks.append(StopAt(6))
    with pytest.raises(Crash):
        train(crashing, [])
    resumed = ready(*overrides)
    resumed.trainer.callbacks.append(Stop())
    summary = train(resumed, [])
    assert summary["iteration"] == 8
    assert summary["measured"]["iteration"] == 5
    assert summary["warnings"] == ["call 1 was odd"]
