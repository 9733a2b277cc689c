import re

import pytest
import torch
from lightning.pytorch import Callback

from ganexp.metrics import Metric
from ganexp.metrics.measurement import measure
from ganexp.runs.checkpoint import load
from ganexp.runs.run import Run
from ganexp.training.callbacks import Evaluation
from ganexp.training.summary import table
from ganexp.training.train import train
from support.callbacks import callback, measured_by
from support.crashes import crash
from support.curves import rows
from support.refused import refused
from support.tiny import TINY_IMAGES, TINY_RING


class Counting(Metric):
    """Counts its measurements of generated samples, and finds a collapse in every odd one."""

    def __init__(self, goal: str = "max") -> None:
        self.goals = {"calls": goal}
        self.calls = 0

    def __call__(self, samples, reference):
        if torch.equal(samples.raw, reference.real("test", len(samples)).raw):
            return {"calls": -1.0}
        self.calls += 1
        return {"calls": float(self.calls), "count": float(len(samples)), "share/3": 0.5}

    def collapse(self, values):
        return f"call {values['calls']:.0f} was odd" if values["calls"] % 2 else None


def test_the_model_adds_its_own_values(ready):
    training = ready(*TINY_RING, "callbacks.evaluation.times=1")
    training.model.evaluate = lambda: {"test_accuracy": 0.25}
    summary = train(training, [])
    assert summary.metrics["test_accuracy"] == 0.25
    assert {"modes", "high_quality"} <= set(summary.metrics)
    assert float(rows(training.run.path)[-1]["metrics/test_accuracy"]) == 0.25


def test_the_model_is_asked_without_metrics_too(ready):
    training = ready(*TINY_RING, "metrics=none", "~callbacks.health")
    training.model.evaluate = lambda: {"test_accuracy": 0.25}
    training.model.sample = None  # nothing is drawn where nothing is judged
    training.trainer.callbacks = [c for c in training.trainer.callbacks if type(c).__name__ not in ("Samples", "Health")]
    summary = train(training, [])
    assert summary.metrics["test_accuracy"] == 0.25
    assert summary.measured["metrics"] == summary.real == {}
    assert summary.best is None


def test_nothing_to_measure_leaves_nothing(shared_run):
    folder = shared_run(*TINY_RING, "metrics=none")
    assert Run(folder).summary.measured is None
    assert not [tag for tag in rows(folder)[-1] if tag.startswith("metrics/")]
    assert not (folder / "checkpoints/best.ckpt").exists()


@pytest.mark.parametrize(("goal", "best"), [("max", 6), ("min", 2)])
def test_the_best_state_is_kept_beside_the_last(ready, goal, best):
    training = measured_by(ready(*TINY_RING, "callbacks.evaluation.every=2"), Counting(goal))
    summary = train(training, [])
    assert load(training.run.path / "checkpoints/best.ckpt").iteration == best == summary.best.iteration
    assert summary.best.by == "calls"
    assert summary.best.metrics["calls"] == best // 2
    assert summary.metrics["calls"] == 3
    assert load(training.run.path / "checkpoints/last.ckpt").iteration == 6


def test_values_that_are_no_numbers_are_never_the_best(ready):
    class Undefined(Counting):
        def __call__(self, samples, reference):
            values = super().__call__(samples, reference)
            return values | {"calls": float("nan") if values["calls"] < 3 else values["calls"]}

    summary = train(measured_by(ready(*TINY_RING, "callbacks.evaluation.every=2"), Undefined()), [])
    assert (summary.best.iteration, summary.best.metrics["calls"]) == (6, 3)


def test_the_value_that_chooses_the_best_can_be_chosen(trained):
    summary = trained(*TINY_RING, "callbacks.evaluation.best=high_quality").run.summary
    assert summary.best.by == "high_quality"


def test_a_value_that_nothing_gives_is_refused(ready):
    with refused("callbacks.evaluation.best"):
        ready(*TINY_RING, "callbacks.evaluation.best=fid")


def test_every_number_has_its_protocol_and_its_floor(trained):
    training = trained(*TINY_RING, "callbacks.evaluation.samples=100")
    summary = training.run.summary
    assert summary.measured.pop("data")["name"] == "Ring"
    assert summary.measured.pop("metrics")["modes"]["_target_"] == "ganexp.metrics.ModeCoverage"
    assert summary.measured == {"iteration": 6, "samples": 100, "real": 64, "seed": 1, "ema": True, "extractor": None}
    assert set(summary.metrics) - {"loss/d", "loss/g"} == set(summary.real)
    assert summary.real["high_quality"] > 0.9
    first, *others = [row for row in rows(training.run.path) if row["metrics/modes"]]
    assert first["real/modes"] and not any(row["real/modes"] for row in others), "the floor never moves: it is logged once"


def test_the_table_shows_the_final_and_the_best_state_with_their_iterations_and_the_floor(ready):
    summary = train(measured_by(ready(*TINY_RING, "callbacks.evaluation.every=2"), Counting("min")), [])
    lines = table(summary).splitlines()
    (head,) = (line for line in lines if line.startswith("metric "))
    assert re.split(r"\s{2,}", head) == ["metric", "final @ 6", "best calls @ 2", "real, held out"]
    (calls,) = (line for line in lines if line.startswith("calls"))
    assert calls.split() == ["calls", "3", "1", "-1"]
    assert not any("share/3" in line for line in lines), "details are in the files"


def test_images_are_measured_by_what_a_classifier_sees(trained):
    overrides = [o for o in TINY_IMAGES if o != "metrics=none"]
    seldom = ("callbacks.evaluation.every=3", "callbacks.evaluation.samples=200")
    summary = trained(*overrides, "model=cgan", "metrics=images", *seldom).run.summary
    expected = {"fid", "coverage", "precision", "label_accuracy", "classes_covered", "share/7", "label_accuracy/7"}
    assert expected <= set(summary.metrics)
    assert summary.real["fid"] < 3 < summary.metrics["fid"]
    assert summary.measured["extractor"]["test_accuracy"] > 0.95
    assert len(summary.measured["extractor"]["hash"]) == 16
    assert summary.measured["data"]["split"] == "train"


@pytest.mark.parametrize("kind", ["points", "images"])
def test_measuring_changes_nothing(trained, kind):
    overrides = {"points": TINY_RING, "images": [*TINY_IMAGES, "model=cgan", "network.images.generator.channels=8"]}[kind]
    small = ("callbacks.evaluation.samples=60", "metrics.cas.seen=200", "metrics.kid.subsets=3")
    silent = trained(*overrides, "metrics=none", "~callbacks.health", folder="silent")
    measured = trained(*overrides, "metrics=full", "callbacks.evaluation.every=1", *small, folder="measured")
    assert len(measured.run.summary.metrics) > 10
    states = [load(t.run.path / "checkpoints/last.ckpt") for t in (silent, measured)]
    first, second = (state.weights for state in states)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first if isinstance(first[name], torch.Tensor))
    one, other = (state.position for state in states)
    streams = [position.random[0]["streams"] for position in (one, other)]
    assert all(torch.equal(state, streams[1][name]) for name, state in streams[0].items())
    assert torch.equal(one.random[0]["torch"], other.random[0]["torch"])
    assert one.random[0]["numpy"][2] == other.random[0]["numpy"][2]
    assert one.random[0]["python"] == other.random[0]["python"]
    losses = [[(row["loss/d"], row["loss/g"]) for row in rows(t.run.path) if row["loss/d"]] for t in (silent, measured)]
    assert losses[0] == losses[1]


def test_a_measurement_can_be_repeated(trained):
    training = trained(*TINY_RING)
    made = callback(training, Evaluation).measures
    arguments = (training.model, made.metrics, made.reference, made.settings, 100)
    once, again, other = measure(*arguments, seed=3), measure(*arguments, seed=3, batch_size=7), measure(*arguments, seed=4)
    assert again.values == pytest.approx(once.values, rel=1e-4)
    assert again.protocol == once.protocol
    assert other.values != once.values


class Stop(Callback):
    """Stop a run as a signal would."""

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        trainer.should_stop = True


def test_what_was_measured_survives_until_the_next_measurement(ready):
    overrides = (*TINY_RING, "trainer.max_iterations=9", "callbacks.evaluation.every=5", "callbacks.checkpoints.every=3")
    crashing = measured_by(ready(*overrides), Counting())
    crash(crashing, 6)
    resumed = measured_by(ready(*overrides), Counting())
    resumed.trainer.callbacks.append(Stop())
    summary = train(resumed, [])
    assert (summary.iteration, summary.measured["iteration"]) == (8, 5)
    assert summary.best.iteration == 5
    assert resumed.state.collapses == ["call 1 was odd"]
