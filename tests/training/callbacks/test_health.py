"""Trainings that go wrong, and ones that do not; tests/test_health.py has the rules."""

import csv
import json
import math
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tqdm import tqdm

from ganexp.__main__ import main
from ganexp.metrics import Metric
from ganexp.runs.checkpoint import load
from ganexp.training import train as training_module
from ganexp.training.callbacks import Evaluation, Health
from ganexp.training.train import train
from support.callbacks import callback, measured_by
from support.command import SMALL, start
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING, Crash, StopAt

# Alarms are possible from iteration 4 on, and come with the third sign: of curves or samples at 10, every second iteration.
SHORT = (
    *TINY_RING, "trainer.max_iterations=40", "callbacks.health.every=2", "callbacks.scalars.every=2", "metrics=none",
    "callbacks.checkpoints.every=2", "callbacks.checkpoints.keep=true",
)  # fmt: skip
NAMED_AT = 10


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv") as file:
        return list(csv.DictReader(file))


def curve(folder: Path, tag: str) -> dict[int, float]:
    return {int(row["iteration"]): float(row[tag]) for row in rows(folder) if row[tag]}


def texts(folder: Path) -> list[tuple[int, str]]:
    events = EventAccumulator(str(folder)).Reload()
    return [(event.step, event.tensor_proto.string_val[0].decode()) for event in events.Tensors("health/text_summary")]


def still(training, *players: str) -> None:
    """Make all weights of some networks zero: what they return no longer depends on what they are given."""
    for player in players:
        if (network := getattr(training.model, player)) is not None:
            for parameter in network.parameters():
                parameter.data.zero_()


class Trouble(Callback):
    """Do something to a run at some iterations, before anything else looks at it."""

    def __init__(self, at: range, do):
        self.at, self.do = at, do

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        if pl_module.counters.iteration in self.at:
            self.do(pl_module)


def poison(model) -> None:
    next(model.generator.parameters()).data.view(-1)[0] = math.nan


def flatten(model) -> None:
    """Make the generator, as sampled from, constant; the weights that learn stay."""
    for parameter in model.average.module.parameters():
        parameter.data.zero_()


class Scored(Metric):
    """Gives generated samples one score after the other, and real ones a half."""

    def __init__(self, goals: dict[str, str], scores: Iterator[float]) -> None:
        self.goals, self.scores = goals, scores

    def __call__(self, samples, reference):
        real = torch.equal(samples.raw, reference.real("test", len(samples)).raw)
        return {"score": 0.5 if real else next(self.scores)}


@pytest.fixture
def with_trouble(monkeypatch):
    """Return a function that lets trainings that are prepared from now on, also after a return, have a trouble."""
    make = training_module.make_callbacks

    def arrange(at: range, do) -> None:
        monkeypatch.setattr(training_module, "make_callbacks", lambda *made: [Trouble(at, do), *make(*made)])

    return arrange


def test_a_constant_generator_is_named(ready, capsys):
    training = ready(*SHORT, "g_optimizer.lr=0")
    still(training, "generator", "average")
    report = train(training, [])["health"]
    assert report["verdict"] == "collapsed"
    assert report["reason"] == "samples hardly differ: they lie 0 % as far apart as real ones"
    assert report["iteration"] == NAMED_AT - 4
    assert {"verdict": "collapsed", "reason": report["reason"], "iteration": NAMED_AT} in report["alarms"]
    assert curve(training.run.path, "health/diversity") == dict.fromkeys(range(4, 41, 2), 0.0) | {2: 0.0}
    verdicts = curve(training.run.path, "health/verdict")
    assert (verdicts[NAMED_AT - 2], verdicts[NAMED_AT], verdicts[40]) == (0, 3, 3)
    said = f"collapsed: {report['reason']}"
    assert texts(training.run.path) == [(NAMED_AT, said)]
    assert f"ganexp: iteration {NAMED_AT}: {said}" in capsys.readouterr().err


def test_a_constant_image_per_class_is_named(ready):
    # The classes differ, so the samples do; those of one class do not.
    training = ready(
        *TINY_IMAGES, "model=cgan", "network=mlp", *TINY_MLP, "metrics=none", "trainer.max_iterations=10", "g_optimizer.lr=0",
        "callbacks.health.every=2",
    )  # fmt: skip
    for network in (training.model.generator, training.model.average.module):
        first = next(network.parameters()).data
        first[:, :3] = 0  # the latents
        first[:, 3:] *= 30
    report = train(training, [])["health"]
    assert (report["verdict"], report["iteration"]) == ("collapsed", 2)
    model = training.model
    y = torch.arange(10)
    assert model.sample(model.sample_latent(10), y).std(0).mean() > 0.05


def test_a_blind_discriminator_is_named(ready):
    training = ready(*SHORT, "d_optimizer.lr=0")
    still(training, "discriminator")
    report = train(training, [])["health"]
    assert (report["verdict"], report["reason"]) == ("saturated", "the discriminator is blind: its logits are constant")
    assert report["alarms"][0]["iteration"] == NAMED_AT
    assert set(curve(training.run.path, "health/separation").values()) == {0.5}


@pytest.mark.parametrize(
    "choices", [("data=ring",), ("data=digits",), ("data=digits", "loss=wgan_gp"), ("data=digits", "loss=hinge")]
)
def test_a_learning_rate_of_one_is_named(trained, choices):
    often = ("trainer.max_iterations=60", "callbacks.scalars.every=3", "callbacks.health.every=3")
    report = trained(*choices, "metrics=none", *often, "optimizer.lr=1").run.summary["health"]
    assert report["verdict"] in ("diverged", "saturated", "collapsed")
    assert report["alarms"][0]["iteration"] <= 45


def test_classes_that_the_metrics_miss_are_named(ready):
    training = ready(*SHORT, "metrics=points", "callbacks.evaluation.every=4")
    metrics = callback(training, Evaluation).measures.metrics
    (metric,) = (metric for metric in metrics.values() if type(metric).__name__ == "ModeCoverage")
    seen = iter([None, "3 of 8 modes are covered", None, *["3 of 8 modes are covered"] * 4, *[None] * 9])
    metric.collapse = lambda values: next(seen)
    summary = train(training, [])
    assert summary["health"]["alarms"] == [{"verdict": "collapsed", "reason": "3 of 8 modes are covered", "iteration": 24}]
    assert summary["health"]["verdict"] == "healthy"
    assert [said for _, said in texts(training.run.path)] == ["collapsed: 3 of 8 modes are covered", "healthy again"]


def test_a_decline_is_named(ready):
    training = ready(*SHORT, "metrics=points", "callbacks.evaluation.every=4", "callbacks.health.decline=1.5")
    measured_by(training, Scored({"score": "min"}, iter([9.0, 4.0, 1.0, 1.4, 1.6, 1.7, 1.8, 1.2, 0.9, 0.9])))
    summary = train(training, [])
    reason = "score is 1.8, its best was 1"
    assert summary["health"]["alarms"] == [{"verdict": "declining", "reason": reason, "iteration": 28}]
    assert summary["health"]["verdict"] == "healthy"
    assert summary["best"]["iteration"] == 36


def test_few_measurements_make_an_alarm_sooner(ready):
    training = ready(*SHORT, "metrics=points", "callbacks.evaluation.times=2")
    still(training, "generator", "average")
    report = train(training, [])["health"]
    assert "collapsed" in [
        alarm["verdict"] for alarm in report["alarms"] if alarm["iteration"] == 40 and "modes" in alarm["reason"]
    ]


def test_judging_changes_neither_training_nor_other_curves(trained):
    watched = trained(*SHORT, folder="watched")
    alone = trained(*SHORT, "~callbacks.health", folder="alone")
    assert alone.run.summary["health"] is None
    for name, weight in alone.model.state_dict().items():
        assert torch.equal(weight, watched.model.state_dict()[name]) if isinstance(weight, torch.Tensor) else True
    own = ("health/verdict", "health/diversity", "progress/images_per_second", "progress/seconds_per_epoch")
    same = [
        [{tag: value for tag, value in row.items() if tag not in own} for row in rows(t.run.path)] for t in (watched, alone)
    ]
    assert same[0] == same[1]


def test_a_classifier_that_is_trained_alone_is_not_judged_by_its_samples(trained):
    training = trained(
        *TINY_IMAGES, "model=ssgan", "network=mlp", *TINY_MLP, "metrics=none", "trainer.max_iterations=12",
        "model.adversarial_weight=0", "callbacks.health.every=2",
    )  # fmt: skip
    assert training.run.summary["health"]["alarms"] == []
    assert "health/diversity" not in rows(training.run.path)[0]


def test_a_resumed_run_judges_as_one_that_was_never_stopped(ready):
    def prepared(folder):
        training = ready(*SHORT, folder=folder)
        training.trainer.callbacks.insert(0, Trouble(range(5, 14), flatten))
        return training

    whole = train(prepared("whole"), [])["health"]
    crashing = prepared("crashed")
    crashing.trainer.callbacks.append(StopAt(9))
    with pytest.raises(Crash):
        train(crashing, [])
    resumed = prepared("crashed")
    assert train(resumed, [])["health"] == whole
    assert [(alarm["verdict"], alarm["iteration"]) for alarm in whole["alarms"]] == [("collapsed", 10)]
    assert whole["verdict"] == "healthy"
    tags = ("health/verdict", "health/diversity")
    paths = (resumed.run.path, resumed.run.path.with_name("whole"))
    assert [[curve(path, tag) for tag in tags] for path in paths] == [[curve(paths[1], tag) for tag in tags]] * 2


def test_an_alarm_may_stop_the_run_which_can_be_resumed(ready, with_trouble):
    with_trouble(range(5, 100), flatten)
    summary = train(ready(*SHORT, "callbacks.health.action=stop"), [])
    assert (summary["status"], summary["iteration"], summary["exit_status"]) == ("stopped", NAMED_AT, 1)
    assert summary["reason"].startswith("collapsed: samples hardly differ")
    assert summary["health"]["verdict"] == "collapsed"
    assert load(Path(summary["directory"], "checkpoints/last.ckpt")).iteration == NAMED_AT
    with_trouble(range(0), flatten)
    again = train(ready(*SHORT, "callbacks.health.action=stop"), [])
    assert (again["status"], again["exit_status"], again["health"]["verdict"]) == ("finished", 0, "healthy")
    assert len(again["health"]["alarms"]) == 1


def test_an_alarm_may_lead_back_to_a_good_checkpoint_with_lower_rates(ready, with_trouble):
    with_trouble(range(9, 15), flatten)
    training = ready(*SHORT, "callbacks.health.action=roll_back")
    rates = training.config["d_optimizer"]["lr"], training.config["g_optimizer"]["lr"]
    run = training.run
    with_trouble(range(0), flatten)  # it does not come again
    summary = train(training, ["seed=0"])
    assert (summary["status"], summary["iteration"], summary["exit_status"]) == ("finished", 40, 0)
    assert (summary["health"]["verdict"], summary["health"]["rollbacks"]) == ("healthy", 1)
    assert [alarm["iteration"] for alarm in summary["health"]["alarms"]] == [14]
    assert (run.config["d_optimizer"]["lr"], run.config["g_optimizer"]["lr"]) == (rates[0] / 2, rates[1] / 2)
    assert run.config["optimizer"]["lr"] == rates[0]
    # The first sign came at 10; what was kept at 8 is the newest from before.
    learning_rates = curve(run.path, "lr/d")
    assert learning_rates[8] > 1.5 * learning_rates[10]
    assert sorted(learning_rates) == list(range(2, 41, 2)), "no point is missing and none is double"
    (told,) = (said for step, said in texts(run.path) if step == 8)
    assert told.startswith("return 1 of 3 because it was collapsed, samples hardly differ")
    resumed = ready(*SHORT, "callbacks.health.action=roll_back")
    assert callback(resumed, Health).may_return


def test_a_generator_of_three_digits_is_named(ready):
    three = ("data=digits", "metrics=classes", "trainer.max_iterations=40", "callbacks.scalars.every=2")
    training = ready(*three, *TINY_MLP, "callbacks.evaluation.every=2", "callbacks.evaluation.samples=100")
    x, y = training.model.data.load("train")
    images = training.model.data.decode(x[y < 3])[torch.randperm(int((y < 3).sum()))]
    training.model.sample = lambda z, y: images[: len(z)]
    report = train(training, [])["health"]
    assert report["verdict"] == "collapsed"
    assert re.search(r"3 of 10 classes \(0, 1 and 2\) hold \d+ % of the samples", report["reason"])
    assert [alarm["iteration"] for alarm in report["alarms"]] == [NAMED_AT]


def test_returns_are_counted_and_end(ready, with_trouble):
    with_trouble(range(9, 100), flatten)
    summary = train(ready(*SHORT, "callbacks.health.action=roll_back", "callbacks.health.rollbacks=2"), [])
    assert (summary["status"], summary["exit_status"], summary["health"]["rollbacks"]) == ("stopped", 1, 2)
    assert len(summary["health"]["alarms"]) == 3
    assert curve(Path(summary["directory"]), "lr/g")[10] < 0.26 * curve(Path(summary["directory"]), "lr/g")[8]


@pytest.mark.parametrize("action", ["report", "stop", "roll_back"])
def test_weights_that_are_not_finite_always_end_the_run(ready, with_trouble, action):
    with_trouble(range(8, 9), poison)
    summary = train(ready(*SHORT, f"callbacks.health.action={action}"), [])
    assert (summary["status"], summary["exit_status"], summary["iteration"]) == ("diverged", 1, 8)
    assert summary["health"]["verdict"] == "diverged"
    assert summary["health"]["alarms"] == [{"verdict": "diverged", "reason": summary["reason"], "iteration": 8}]
    assert curve(Path(summary["directory"]), "health/verdict")[8] == 4
    for path in Path(summary["directory"], "checkpoints").iterdir():
        saved = load(path)
        assert saved.iteration <= 6
        assert all(value.isfinite().all() for value in saved.weights.values() if isinstance(value, torch.Tensor))


def test_after_a_return_signals_and_terminal_are_as_they_were(ready, with_trouble):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with_trouble(range(9, 100), flatten)
    train(ready(*SHORT, "callbacks.health.action=roll_back"), [])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert not tqdm._instances


# Every run is in trouble from the start: no tiny one has samples that lie as far apart as real ones.
TROUBLED = (
    *SMALL, *SHORT, "callbacks.scalars.every=2", "model.latent_dim=3", "callbacks.health.diversity=0.99",
)  # fmt: skip


def test_trouble_of_one_run_of_a_sweep_does_not_touch_the_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ganexp", "-m", *TROUBLED, "callbacks.health.action=stop,report"])
    with pytest.raises(SystemExit) as exited:
        main()
    assert exited.value.code == 1
    runs = tmp_path.glob("outputs/sweeps/*/*/summary.json")
    found = {path.parent.name.rpartition("=")[2]: json.loads(path.read_text()) for path in runs}
    assert {name: (run["status"], run["iteration"]) for name, run in found.items()} == {
        "stop": ("stopped", NAMED_AT), "report": ("finished", 40),
    }  # fmt: skip
    assert "stopped" in capsys.readouterr().out


@pytest.mark.slow
def test_several_processes_go_back_together(tmp_path):
    command = (*TROUBLED, "accelerator=ddp", "callbacks.health.action=roll_back", "callbacks.health.rollbacks=1")
    process = start(tmp_path, *command, "trainer.accelerator=cpu")
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 1, output
    (path,) = tmp_path.glob("outputs/*/*/summary.json")
    summary = json.loads(path.read_text())
    assert (summary["status"], summary["processes"], summary["iteration"]) == ("stopped", 2, NAMED_AT)
    assert summary["health"]["rollbacks"] == 1
    assert len(summary["health"]["alarms"]) == 2
    assert output.count("return 1 of 1 because it was collapsed") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ("data=ring", "trainer.max_iterations=1500"),
        ("data=digits", "model=dcgan", "metrics=none", "trainer.max_iterations=300", "callbacks.health.every=20"),
        ("data=digits", "model=cgan", "loss=hinge", "metrics=none", "trainer.max_iterations=300", "callbacks.health.every=20"),
    ],
)
def test_healthy_runs_raise_no_alarm(trained, overrides):
    training = trained(*overrides, "callbacks.scalars.every=20", "model.latent_dim=8")
    report = training.run.summary["health"]
    assert (report["verdict"], report["alarms"]) == ("healthy", [])
    diversity = curve(training.run.path, "health/diversity")
    assert min(ratio for iteration, ratio in diversity.items() if iteration > training.model.total_iterations / 10) > 0.2


def test_a_run_that_covers_more_and_more_is_not_collapsed(ready):
    training = ready(*SHORT, "metrics=points", "callbacks.evaluation.every=2", "callbacks.evaluation.best=high_quality")
    better = Scored({"score": "max"}, iter(range(1, 100)))
    better.collapse = lambda values: "few modes"
    report = train(measured_by(training, better, samples=16), [])["health"]
    assert training.state.collapses == ["few modes"]
    assert not [alarm for alarm in report["alarms"] if alarm["reason"] == "few modes"]
