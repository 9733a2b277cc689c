"""Options of Lightning's trainer that its users type."""

import pytest
import torch

from ganexp.training.callbacks import Evaluation
from ganexp.training.reduced import Reduced
from support.callbacks import callback
from support.curves import rows
from support.refused import refused
from support.tiny import TINY_RING


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({}, Reduced()),
        ({"fast_dev_run": False, "overfit_batches": 0, "limit_train_batches": None}, Reduced()),
        ({"fast_dev_run": 7}, Reduced(iterations=7)),
        ({"limit_train_batches": 0.5}, Reduced(limit=0.5)),
        ({"limit_train_batches": 5, "overfit_batches": 2}, Reduced(limit=2, fixed=True)),
    ],
)
def test_what_makes_a_run_small(options, meant):
    assert Reduced.of(options) == meant


@pytest.mark.parametrize(
    ("option", "value"),
    [("fast_dev_run", -1), ("fast_dev_run", "x"), ("overfit_batches", 1.5), ("limit_train_batches", 0)],
)
def test_what_makes_no_run(option, value):
    with refused(f"trainer.{option}"):
        Reduced.of({option: value})


def test_an_epoch_is_cut_to_some_batches(ready):
    assert ready(*TINY_RING).data.iterations_per_epoch == 4
    assert ready(*TINY_RING, "+trainer.limit_train_batches=2", folder="two").data.iterations_per_epoch == 2
    assert ready(*TINY_RING, "+trainer.limit_train_batches=0.75", folder="share").data.iterations_per_epoch == 3
    with refused("trainer.overfit_batches"):
        ready(*TINY_RING, "+trainer.overfit_batches=0.1", folder="less")


def test_a_fast_run_acts_once(trained):
    training = trained(*TINY_RING, "+trainer.fast_dev_run=true", "trainer.max_iterations=1000")
    assert training.run.summary.iteration == training.model.total_iterations == 3
    assert [row["iteration"] for row in rows(training.run.path)] == ["3"]
    assert callback(training, Evaluation).state.measurements == 1
    assert [path.name for path in (training.run.path / "checkpoints").glob("*.ckpt")] != []


def test_double_precision_trains_in_it(trained):
    penalties = ("penalty=gradient", "+penalty@regularizers.lecam=lecam", "+penalty@regularizers.r=r1_r2")
    training = trained(*TINY_RING, "loss=wasserstein", *penalties, "trainer.precision=64")
    assert {parameter.dtype for parameter in training.model.parameters()} == {torch.float64}
    assert training.run.summary.status == "finished"


def test_one_device_trains_as_ddp(trained):
    assert trained(*TINY_RING, "accelerator=ddp", "trainer.devices=1").run.summary.status == "finished"


def test_a_profiler_reports(trained, caplog):
    trained(*TINY_RING, "metrics=none", "+trainer.profiler=simple")
    assert "training_step" in caplog.text


@pytest.mark.parametrize("option", ["logger=false", "enable_progress_bar=false", "max_steps=3", "plugins=[]", "barebones=true"])
def test_an_option_that_another_one_stands_for_is_refused_with_it(ready, option):
    with refused(f"trainer.{option.partition('=')[0]}") as caught:
        ready(*TINY_RING, f"+trainer.{option}")
    assert caught.value.hint
