"""Trainings that go wrong, and ones that do not; tests/training/test_rules.py and test_health.py have the rules."""

import re
import signal
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tqdm import tqdm

from ganexp.runs.checkpoint import load
from ganexp.runs.records import Alarm, Summary, read
from ganexp.training.callbacks import Health
from ganexp.training.health import VERDICTS
from ganexp.training.train import train
from support.callbacks import callback
from support.command import SMALL, ended
from support.crashes import crash
from support.curves import rows
from support.harm import harmed
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

# Alarms are possible from iteration 4 on, and come with the third sign: of curves or samples at 10, every second iteration.
SHORT = (
    *TINY_RING, "trainer.max_iterations=40", "callbacks.health.every=2", "callbacks.scalars.every=2", "metrics=none",
    "callbacks.checkpoints.every=2", "callbacks.checkpoints.keep=true",
    # A generator that spreads its samples soon, and an optimiser that does not remember the harm.
    "recipe.latent_octaves=2", "optimizer.g_factor=0.3", "optimizer.amsgrad=false",
)  # fmt: skip
ALARM = 10


def curve(folder: Path, tag: str) -> dict[int, float]:
    return {int(row["iteration"]): float(row[tag]) for row in rows(folder) if row[tag]}


def texts(folder: Path) -> list[tuple[int, str]]:
    events = EventAccumulator(str(folder)).Reload()
    return [(event.step, event.tensor_proto.string_val[0].decode()) for event in events.Tensors("health/text_summary")]


def still(training, *players: str) -> None:
    """Make all weights of some networks zero: their outputs no longer depend on their inputs."""
    for player in players:
        if (network := getattr(training.model, player)) is not None:
            for parameter in network.parameters():
                parameter.data.zero_()


def test_a_constant_generator_has_collapsed(ready, capsys):
    training = ready(*SHORT, "g_optimizer.lr=0")
    still(training, "generator", "average")
    report = train(training, []).health
    assert (report.verdict, report.iteration) == ("collapsed", ALARM - 4)
    assert Alarm("collapsed", report.reason, ALARM) in report.alarms
    assert curve(training.run.path, "health/diversity") == dict.fromkeys(range(2, 41, 2), 0.0)
    verdicts = curve(training.run.path, "health/verdict")
    assert (verdicts[ALARM - 2], verdicts[ALARM], verdicts[40]) == (0, VERDICTS["collapsed"], VERDICTS["collapsed"])
    announced = f"collapsed: {report.reason}"
    assert texts(training.run.path) == [(ALARM, announced)]
    assert f"ganexp: iteration {ALARM}: {announced}" in capsys.readouterr().err


def test_a_blind_discriminator_saturates(ready):
    training = ready(*SHORT, "d_optimizer.lr=0")
    still(training, "discriminator")
    report = train(training, []).health
    assert (report.verdict, report.alarms[0].iteration) == ("saturated", ALARM)
    assert set(curve(training.run.path, "health/separation").values()) == {0.5}


@pytest.mark.parametrize("choices", [("data=ring",), ("data=digits", "loss=wgan_gp")])
def test_a_learning_rate_of_one_raises_an_alarm(trained, choices):
    often = ("trainer.max_iterations=60", "callbacks.scalars.every=3", "callbacks.health.every=3")
    report = trained(*choices, "metrics=none", *often, "optimizer.lr=1").run.summary.health
    assert report.verdict in ("diverged", "saturated", "collapsed")
    assert report.alarms[0].iteration <= 45


def test_judging_changes_neither_training_nor_other_curves(trained):
    watched = trained(*SHORT, folder="watched")
    alone = trained(*SHORT, "~callbacks.health", folder="alone")
    assert alone.run.summary.health is None
    for name, weight in alone.model.state_dict().items():
        assert torch.equal(weight, watched.model.state_dict()[name]) if isinstance(weight, torch.Tensor) else True
    own = ("health/verdict", "health/diversity")
    others = [{tag: value for tag, value in row.items() if tag not in own} for row in rows(watched.run.path)]
    assert others == rows(alone.run.path)


def test_a_classifier_that_is_trained_alone_is_not_judged_by_its_samples(trained):
    training = trained(
        *TINY_IMAGES, "model=ssgan", "network=mlp", *TINY_MLP, "metrics=none", "trainer.max_iterations=12",
        "model.adversarial_weight=0", "callbacks.health.every=2",
    )  # fmt: skip
    assert training.run.summary.health.alarms == []
    assert "health/diversity" not in rows(training.run.path)[0]


def test_a_generator_of_three_digits_has_collapsed(ready):
    three = ("data=digits", "metrics=classes", "trainer.max_iterations=40", "callbacks.scalars.every=2")
    training = ready(*three, *TINY_MLP, "callbacks.evaluation.every=2", "callbacks.evaluation.samples=100")
    x, y = training.model.data.load("train")
    images = training.model.data.decode(x[y < 3])[torch.randperm(int((y < 3).sum()))]
    training.model.sample = lambda z, y: images[: len(z)]
    report = train(training, []).health
    assert report.verdict == "collapsed"
    assert re.search(r"3 of 10 classes \(0, 1 and 2\)", report.reason)
    assert [alarm.iteration for alarm in report.alarms] == [ALARM]


def test_a_resumed_run_judges_as_one_that_was_never_stopped(tmp_path):
    whole, crashing = (harmed(tmp_path / name, "flatten", 5, 13, *SHORT) for name in ("whole", "crashed"))
    report = train(whole, []).health
    crash(crashing, 9)
    assert train(harmed(crashing.run.path, "flatten", 5, 13, *SHORT), []).health == report
    assert [(alarm.verdict, alarm.iteration) for alarm in report.alarms] == [("collapsed", ALARM)]
    assert report.verdict == "healthy"
    for tag in ("health/verdict", "health/diversity"):
        assert curve(crashing.run.path, tag) == curve(whole.run.path, tag)


def test_an_alarm_may_stop_the_run_which_can_be_resumed(tmp_path, ready):
    stop = "callbacks.health.action=stop"
    summary = train(harmed(tmp_path / "run", "flatten", 5, 100, *SHORT, stop), [])
    assert (summary.status, summary.iteration, summary.exit_status) == ("stopped", ALARM, 1)
    assert summary.reason.startswith("collapsed: ")
    assert summary.health.verdict == "collapsed"
    assert load(tmp_path / "run/checkpoints/last.ckpt").iteration == ALARM
    again = train(ready(*SHORT, stop), [])
    assert (again.status, again.exit_status, again.health.verdict) == ("finished", 0, "healthy")
    assert len(again.health.alarms) == 1


def test_an_alarm_may_lead_back_to_a_good_checkpoint_with_lower_rates(tmp_path, ready):
    training = harmed(tmp_path / "run", "flatten", 9, 14, *SHORT, "callbacks.health.action=roll_back", again=False)
    rates = training.config["d_optimizer"]["lr"], training.config["g_optimizer"]["lr"]
    run = training.run
    summary = train(training, ["seed=0"])
    assert (summary.status, summary.iteration, summary.exit_status) == ("finished", 40, 0)
    assert (summary.health.verdict, summary.health.rollbacks) == ("healthy", 1)
    assert [alarm.iteration for alarm in summary.health.alarms] == [14]
    assert (run.config["d_optimizer"]["lr"], run.config["g_optimizer"]["lr"]) == (rates[0] / 2, rates[1] / 2)
    assert run.config["optimizer"]["lr"] == rates[0], "what both rates are made from is left as it was"
    # The first sign came at 10; what was kept at 8 is the newest from before.
    learning_rates = curve(run.path, "lr/d")
    assert learning_rates[8] > 1.5 * learning_rates[10]
    assert sorted(learning_rates) == list(range(2, 41, 2)), "no point is missing and none is double"
    (announced,) = (text for step, text in texts(run.path) if step == 8)
    assert announced.startswith("return 1 of 3 because it was collapsed, ")
    assert callback(ready(*SHORT, "callbacks.health.action=roll_back"), Health).may_return


def test_returns_are_counted_and_end_and_leave_signals_and_terminal_as_they_were(tmp_path):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    twice = ("callbacks.health.action=roll_back", "callbacks.health.rollbacks=2")
    summary = train(harmed(tmp_path / "run", "flatten", 9, 100, *SHORT, *twice), [])
    assert (summary.status, summary.exit_status, summary.health.rollbacks) == ("stopped", 1, 2)
    assert len(summary.health.alarms) == 3
    rates = curve(tmp_path / "run", "lr/g")
    assert rates[10] < 0.26 * rates[8]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert not tqdm._instances


@pytest.mark.parametrize("action", ["report", "roll_back"])
def test_weights_that_are_not_finite_always_end_the_run(tmp_path, action):
    summary = train(harmed(tmp_path / "run", "poison", 8, 8, *SHORT, f"callbacks.health.action={action}"), [])
    assert (summary.status, summary.exit_status, summary.iteration) == ("diverged", 1, 8)
    assert summary.health.verdict == "diverged"
    assert summary.health.alarms == [Alarm("diverged", summary.reason, 8)]
    assert curve(tmp_path / "run", "health/verdict")[8] == VERDICTS["diverged"]
    for path in (tmp_path / "run/checkpoints").iterdir():
        saved = load(path)
        assert saved.iteration <= 6
        assert all(value.isfinite().all() for value in saved.weights.values() if isinstance(value, torch.Tensor))


@pytest.mark.slow
def test_several_processes_go_back_together(tmp_path):
    # In trouble from the start: no tiny run has samples that lie as far apart as real ones.
    troubled = (*SMALL, *SHORT, "callbacks.scalars.every=2", "model.latent_dim=3", "callbacks.health.diversity=0.99")
    once = ("callbacks.health.action=roll_back", "callbacks.health.rollbacks=1")
    output = ended(tmp_path, *troubled, *once, "accelerator=ddp", "trainer.accelerator=cpu", status=1)
    (path,) = tmp_path.glob("outputs/*/*/summary.json")
    summary = read(path, Summary)
    assert (summary.status, summary.processes, summary.iteration) == ("stopped", 2, ALARM)
    assert summary.health.rollbacks == 1
    assert len(summary.health.alarms) == 2
    assert output.count("return 1 of 1 because it was collapsed") == 1


@pytest.mark.slow
def test_a_healthy_run_raises_no_alarm(trained):
    """Those of tests/test_quality.py do not either."""
    training = trained(
        "data=digits", "model=dcgan", "loss=hinge", "metrics=none", "trainer.max_iterations=300", "callbacks.health.every=20",
        "callbacks.scalars.every=20", "model.latent_dim=8",
    )  # fmt: skip
    report = training.run.summary.health
    assert (report.verdict, report.alarms) == ("healthy", [])
    diversity = curve(training.run.path, "health/diversity")
    assert min(ratio for iteration, ratio in diversity.items() if iteration > training.model.total_iterations / 10) > 0.2
