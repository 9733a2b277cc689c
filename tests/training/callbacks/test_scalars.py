import csv

import pytest
from lightning.pytorch import Callback

from ganexp.runs.checkpoint import load
from ganexp.training.callbacks import Scalars
from ganexp.training.health import Diverged
from ganexp.training.summary import table
from ganexp.training.train import train
from support.callbacks import callback
from support.tiny import TINY_RING


@pytest.mark.parametrize("d_steps", [1, 3])
def test_an_epochs_time_is_known_before_it_ends(trained, d_steps):
    training = trained(*TINY_RING, f"schedule.d_steps={d_steps}", "trainer.max_iterations=2", "callbacks.scalars.every=1")
    with open(training.run.path / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    # An epoch has 4 batches of 16, and an iteration sees 16 images per discriminator step.
    for row in rows:
        seconds, speed = (float(row[f"progress/{name}"]) for name in ("seconds_per_epoch", "images_per_second"))
        assert seconds * speed == pytest.approx(64)
    summary = training.run.summary
    assert summary.seconds_per_epoch == pytest.approx(summary.training_seconds / 2 * 4 / d_steps, abs=2e-3)
    time = next(line for line in table(summary).splitlines() if line.startswith("time"))
    assert "s of training, " in time and " s per epoch, " in time and time.endswith("images per second")


def test_the_time_since_the_last_log_entry_counts(ready):
    training = ready(*TINY_RING, "callbacks.scalars.every=50", "trainer.max_iterations=60", "metrics=none")
    training.trainer.callbacks.append(StopEarly(6))
    summary = train(training, [])
    assert summary.iteration == 6
    assert summary.images_per_second == pytest.approx(6 * 16 / summary.training_seconds, rel=0.5)
    saved = load(training.run.path / "checkpoints/last.ckpt").callbacks["Scalars"]
    assert 0 < saved["seconds"] <= summary.training_seconds + 1e-3
    assert train(ready(*TINY_RING, "trainer.max_iterations=12"), []).training_seconds > saved["seconds"]


def test_the_time_until_an_error_counts(ready):
    training = ready(*TINY_RING, "callbacks.scalars.every=50", "trainer.max_iterations=60", "metrics=none")
    training.trainer.callbacks.append(StopEarly(6, Diverged("by itself")))
    summary = train(training, [])
    assert (summary.status, summary.iteration) == ("diverged", 6)
    assert summary.training_seconds > 0


class StopEarly(Callback):
    """End a run after some iterations, as a signal does, or with an error."""

    def __init__(self, iteration: int, error: Exception | None = None) -> None:
        self.iteration, self.error = iteration, error

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        if pl_module.counters.iteration == self.iteration:
            if self.error:
                raise self.error
            trainer.should_stop = True


def test_without_a_clock_there_is_no_time_per_epoch(ready):
    training = ready(*TINY_RING)
    training.trainer.callbacks = [c for c in training.trainer.callbacks if type(c).__name__ != "Scalars"]
    summary = train(training, [])
    assert summary.seconds_per_epoch is None
    assert "per epoch" not in table(summary)


def test_what_is_derived_is_logged(trained):
    training = trained(*TINY_RING, "schedule.micro_batches=3", "callbacks.scalars.every=3")
    with open(training.run.path / "metrics.csv") as file:
        row = list(csv.DictReader(file))[-1]
    for player, network in (("d", training.model.discriminator), ("g", training.model.generator)):
        weight = max(float(parameter.detach().abs().max()) for parameter in network.parameters())
        assert float(row[f"largest_weight/{player}"]) == pytest.approx(weight)
    assert 0 <= float(row["health/separation"]) <= 1
    assert 0 < float(row["health/spread"]) <= 1


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_weight_that_is_not_finite_ends_the_run_before_the_losses_show_it(ready, player):
    training = ready(*TINY_RING, "trainer.max_iterations=8", "metrics=none")
    scalars = callback(training, Scalars)
    act = scalars.act

    def spoil(trainer, model):
        if model.counters.iteration == 4:
            next(getattr(model, player).parameters()).data.view(-1)[0] = float("nan")
        act(trainer, model)

    scalars.act = spoil
    summary = train(training, [])
    assert (summary.status, summary.iteration, summary.exit_status) == ("diverged", 4, 1)
    assert summary.reason == f"largest_weight/{player[0]} is nan at iteration 4"
