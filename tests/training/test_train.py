"""A run from beginning to end, and from a crash to the same end."""

from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ganexp.runs.checkpoint import last_good, load
from ganexp.runs.run import Run
from ganexp.training.train import train
from support.crashes import crash
from support.curves import curves, rows
from support.tiny import CONVOLUTIONS, TINY_IMAGES, TINY_RING


def test_a_run_leaves_everything_it_promises(trained):
    training = trained(*TINY_RING, "callbacks.samples.times=3")
    folder = training.run.path
    assert yaml.safe_load((folder / ".hydra/config.yaml").read_text())["data"]["size"] == 64
    assert "data.size=64" in yaml.safe_load((folder / ".hydra/overrides.yaml").read_text())
    assert [path.name for path in sorted((folder / "samples").iterdir())] == [f"{i:08d}.png" for i in (0, 2, 4, 6)]
    with Image.open(folder / "training.gif") as animation:
        assert animation.n_frames == 4
    assert (folder / "final.png").is_file()
    assert sorted(path.name for path in (folder / "weights").iterdir()) == [
        f"{network}-00000006.pt" for network in ("discriminator", "generator", "generator_ema")
    ]
    checkpoint = load(folder / "checkpoints/last.ckpt")
    assert checkpoint.position.counters == {"iteration": 6, "d_updates": 6, "g_updates": 6, "images_seen": 96}
    assert len(checkpoint.content["optimizer_states"]) == 2
    summary = Run(folder).summary
    assert summary.status == "finished"
    assert {"modes", "high_quality", "loss/d", "loss/g"} <= set(summary.metrics)
    assert (summary.measured["iteration"], summary.measured["samples"]) == (6, 2500)
    assert load(folder / summary.best.checkpoint).iteration == summary.best.iteration
    assert summary.health.verdict and summary.format == 1
    assert not list(folder.rglob(".*.tmp")), "temporary files are gone"


def test_curves_share_the_iteration_as_their_axis(shared_run):
    short = curves(shared_run(*TINY_RING))
    long = curves(shared_run(*TINY_RING, "schedule.d_steps=3"))
    for tag in ("loss/d", "loss/g", "loss/d/adversarial", "probability/real", "probability/fake", "gradient_norm/d", "lr/g"):
        assert [step for step, _ in short[tag]] == [step for step, _ in long[tag]] == [2, 4, 6]
        assert all(torch.tensor(value).isfinite() for _, value in short[tag])
    assert all(0 <= value <= 1 for _, value in short["probability/real"] + short["probability/fake"])
    # Evaluations come every iteration in so short a run; losses every second.
    table = rows(shared_run(*TINY_RING))
    assert [row["iteration"] for row in table] == ["1", "2", "3", "4", "5", "6"]
    assert [bool(row["loss/d"]) for row in table] == [False, True] * 3


def test_tensorboard_shows_the_configuration_and_the_samples(shared_run):
    events = EventAccumulator(str(shared_run(*TINY_RING))).Reload()
    assert b"ganexp.models.losses.Relativistic" in events.Tensors("config/text_summary")[0].tensor_proto.string_val[0]
    assert [event.step for event in events.Images("samples")] == [0, 6]


@pytest.mark.parametrize("loss", ["wgan_gp", "r3gan"])
def test_bfloat16_trains_with_penalties_in_full_precision(trained, loss):
    training = trained(*TINY_IMAGES, "model=dcgan", f"loss={loss}", "trainer.precision=bf16-mixed", *CONVOLUTIONS)
    assert training.run.summary.precision == "bf16-mixed"
    assert all(parameter.dtype == torch.float32 and parameter.isfinite().all() for parameter in training.model.parameters())


def test_hparams_hold_the_choices_and_the_final_metrics(shared_run):
    folder = shared_run(*TINY_RING)
    events = EventAccumulator(str(folder)).Reload()
    assert "_hparams_/session_start_info" in events.summary_metadata
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"r3gan" in content
    assert b"data.batch_size" in content
    assert events.Scalars("final/modes")[0].value == Run(folder).summary.metrics["modes"]
    assert "hp_metric" not in events.Tags()["scalars"]


STRADDLING = (*TINY_RING, "loss=wgan_gp", "schedule.d_steps=3")  # iterations straddle epochs of 4 batches


@pytest.mark.parametrize(
    ("crash_at", "overrides"),
    [
        *((crash_at, STRADDLING) for crash_at in (3, 4, 7)),  # checkpoints are made after 3, 6 and 9
        (4, (*TINY_RING, "network.generator.dropout=0.5", "optimizer=adamw", "lr_schedule=linear")),
        (7, (*TINY_IMAGES, "model=dcgan", *CONVOLUTIONS)),
    ],
)
def test_a_crashed_run_resumes_to_the_same_end(ready, shared_run, crash_at, overrides):
    overrides = (*overrides, "trainer.max_iterations=9", "callbacks.checkpoints.every=3", "callbacks.scalars.every=2")
    whole = shared_run(*overrides)
    crashing = ready(*overrides)
    crash(crashing, crash_at)
    resumed = ready(*overrides)
    assert resumed.checkpoint is not None
    train(resumed, [])
    for name, weight in last_good(Run(whole)).weights.items():
        other = resumed.model.state_dict()[name]
        assert torch.equal(weight, other) if isinstance(weight, torch.Tensor) else weight == other, name
    assert curves(resumed.run.path) == curves(whole)
    assert rows(resumed.run.path) == rows(whole)
    pictures = [{p.name: p.read_bytes() for p in folder.glob("**/*.png")} for folder in (resumed.run.path, whole)]
    assert pictures[0] == pictures[1]


def test_a_resume_reads_the_checkpoint_once(trained, ready, monkeypatch):
    trained(*TINY_RING, "metrics=none")
    read, load_file = [], torch.load
    monkeypatch.setattr(torch, "load", lambda path, **options: (read.append(path), load_file(path, **options))[1])
    longer = ready(*TINY_RING, "metrics=none", "trainer.max_iterations=8")
    train(longer, [])
    assert (longer.model.counters.iteration, [Path(file.name).name for file in read]) == (8, ["last.ckpt"])


def test_a_run_that_lost_every_checkpoint_begins_again_in_its_place(ready):
    seldom = (*TINY_RING, "callbacks.checkpoints.every=6", "metrics=none")
    crashing = ready(*seldom)
    crash(crashing, 3)
    again = ready(*seldom)
    assert again.checkpoint is None
    train(again, [])
    whole = ready(*seldom, folder="whole")
    train(whole, [])
    assert curves(again.run.path) == curves(whole.run.path)
    assert rows(again.run.path) == rows(whole.run.path)


def test_a_resumed_run_may_go_on_for_longer_and_at_another_rate(trained, ready):
    trained(*TINY_RING)
    longer = ready(*TINY_RING, "trainer.max_iterations=10", "lr_schedule=constant", "optimizer.lr=0.5")
    train(longer, ["trainer.max_iterations=10", "optimizer.lr=0.5"])
    assert longer.model.counters.iteration == 10
    assert longer.model.learning_rates() == {"d": 0.5, "g": pytest.approx(0.3)}
    assert longer.run.config["trainer"]["max_iterations"] == 10
    assert longer.run.overrides[-1] == "optimizer.lr=0.5"


def test_epochs_and_iterations_bound_the_budget(trained):
    two_epochs = trained(*TINY_RING, "trainer.max_iterations=null", "trainer.max_epochs=2", folder="a")
    assert two_epochs.model.counters.iteration == 8
    assert two_epochs.trainer.current_epoch == 2
    straddling = trained(*TINY_RING, "trainer.max_iterations=null", "trainer.max_epochs=2", "schedule.d_steps=3", folder="b")
    assert straddling.model.counters.iteration == 3
    both = trained(*TINY_RING, "trainer.max_iterations=5", "trainer.max_epochs=2", folder="c")
    assert both.model.counters.iteration == 5


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(ready):
    training = ready(
        *TINY_RING, "loss=wasserstein", "penalty=none", "optimizer=sgd", "optimizer.lr=300", "trainer.max_iterations=60",
        "callbacks.checkpoints.every=1", "metrics=none",
    )  # fmt: skip
    summary = train(training, [])
    assert summary.status == "diverged"
    assert summary.exit_status == 1
    assert "finite" in summary.reason or "loss/" in summary.reason
    saved = last_good(training.run)
    assert 0 < saved.iteration < summary.iteration
    assert all(x.isfinite().all() for x in saved.weights.values() if torch.is_tensor(x))
