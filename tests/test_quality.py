"""What the documentation promises of trained models, measured on trained models."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from ganexp.config.compose import compose
from ganexp.runs.run import Run
from ganexp.training.experiment import Experiment, assemble
from ganexp.training.train import train

pytestmark = pytest.mark.slow


def trained(folder: Path, *overrides: str) -> Experiment:
    training = assemble(compose("trainer.accelerator=cpu", "callbacks.samples.times=2", *overrides), Run(folder))
    train(training, list(overrides))
    return training


def raised_no_alarm(run: Run) -> bool:
    return (run.summary.health.verdict, run.summary.health.alarms) == ("healthy", [])


def test_the_ring_is_covered_as_wide_and_as_evenly_as_it_is(tmp_path):
    run = trained(tmp_path / "run", "callbacks.evaluation.samples=10000", "callbacks.evaluation.times=10").run
    assert run.summary.health.verdict == "healthy"
    metrics = run.summary.metrics
    assert metrics["modes"] == 8 and 0.97 <= metrics["high_quality"] <= 0.995
    assert metrics["coverage"] >= 0.9 and 0.95 <= metrics["mode_spread"] <= 1.05
    assert metrics["mode_kl_reverse"] <= 0.0015  # of real points: 0.0004


def test_the_grid_is_found_as_wide_as_it_is(tmp_path):
    run = trained(tmp_path / "run", "data=grid").run
    assert run.summary.health.verdict == "healthy"
    metrics = run.summary.metrics
    assert metrics["modes"] == 25 and metrics["high_quality"] >= 0.9
    assert metrics["coverage"] >= 0.9 and 0.9 <= metrics["mode_spread"] <= 1.1


def test_a_picture_is_covered_as_evenly_as_it_is(tmp_path):
    run = trained(tmp_path / "run", "data=density", "trainer.max_iterations=4000").run  # a third of the default's
    assert run.summary.health.verdict == "healthy"
    metrics = run.summary.metrics
    assert metrics["coverage"] >= 0.92 and metrics["mass_outside"] <= 0.03
    assert metrics["sliced_wasserstein"] <= 0.03  # of real points: 0.002; with two latents, whose samples fold: 0.05


def conditional(training: Experiment, shown: int, sure: float) -> tuple[np.ndarray, np.ndarray]:
    """Return samples, 50 of each class, and whether they are of it, judged by their neighbours among ``shown`` real ones."""
    data = training.data.data
    (x, y), (held_out, held_out_y) = (
        (a[:shown].flatten(1).numpy(), b[:shown].numpy()) for a, b in map(data.load, ("train", "test"))
    )
    judge = KNeighborsClassifier(3).fit(x, y)
    assert judge.score(held_out[:1000], held_out_y[:1000]) > sure
    labels = torch.arange(10).repeat_interleave(50)
    samples = training.model.sample(training.model.sample_latent(500, torch.Generator().manual_seed(5)), labels)
    grey = ((samples + 1) * 127.5).round().clamp(0, 255).flatten(1).numpy()
    return grey, (judge.predict(grey) == labels.numpy()).reshape(10, 50)


def test_a_conditional_model_draws_the_digit_it_is_asked_for(tmp_path):
    training = trained(tmp_path / "run", "model=cgan", "data=digits")
    assert raised_no_alarm(training.run)
    grey, correct = conditional(training, 2000, sure=0.97)
    assert correct.mean() > 0.9
    assert np.all(correct.mean(1) > 0.6), "every row of the sample grid shows its digit"
    assert len(np.unique(grey, axis=0)) == 500, "samples differ"


@pytest.mark.skipif(not Path(os.environ.get("GANEXP_DATA", ""), "MNIST").is_dir(), reason="needs the files of MNIST")
def test_digits_of_28_pixels_are_readable_after_a_tenth_of_the_run(tmp_path):
    training = trained(tmp_path / "run", "model=cgan", "data=mnist", "metrics=none", "trainer.max_iterations=1100")
    grey, correct = conditional(training, 10_000, sure=0.9)
    assert correct.mean() > 0.7
    assert np.all(correct.mean(1) > 0.35), "every row of the sample grid shows its digit"
    assert len(np.unique(grey, axis=0)) == 500, "samples differ"


def test_labels_take_away_the_bridge_between_two_blobs(tmp_path):
    blobs = torch.tensor([[80.0, 164.0], [176.0, 92.0]]) / 256  # their centres
    bridge, outside = {}, {}
    for name in ("density_gan", "density_cgan"):
        model = (training := trained(tmp_path / name, f"experiment={name}", "callbacks.samples.every=null")).model
        random = torch.Generator().manual_seed(5)
        samples = model.sample(model.sample_latent(50_000, random), model.sample_labels(50_000, random))
        way = (samples - blobs[0]) @ (blobs[1] - blobs[0]) / (blobs[1] - blobs[0]).square().sum()
        bridge[name] = ((way - 0.5).abs() < 0.1).double().mean().item()
        outside[name] = training.run.summary.metrics["mass_outside"]  # of real points: 0.009
    assert bridge["density_gan"] > 0.005 and outside["density_gan"] > 0.02
    assert bridge["density_cgan"] < 0.002 and outside["density_cgan"] < 0.015
