"""Balanced classes in a run: what it learns from, what its fakes are asked for, and what is measured."""

import numpy as np
import pytest
import torch

from ganexp.training.train import train
from support.crashes import whole_and_resumed
from support.refused import refused
from support.tiny import TINY_MLP


@pytest.fixture
def rare(tmp_path):
    """Options of 60 images of which 6 are of the second class."""
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "rare.npz", images=images, labels=(np.arange(60) % 10 == 0).astype(int))
    data = ("data=npz", f"data.path={tmp_path / 'rare.npz'}", "data.held_out=null", "data.batch_size=20")
    return (*data, "data.balance=true", "network=mlp", *TINY_MLP, "metrics=none")


@pytest.mark.parametrize("model", ["cgan", "acgan"])
def test_real_and_generated_labels_are_balanced_while_a_model_learns(ready, rare, model):
    experiment = ready(*rare, f"model={model}")
    seen, draw = [], experiment.model.draw
    experiment.model.draw = lambda batch: seen.append((batch[1], draw(batch)[1])) or draw(batch)
    train(experiment, [])
    real, fake = (torch.cat(labels).double().mean() for labels in zip(*seen, strict=True))
    assert real == 0.5 and abs(fake - 0.5) < 0.2
    labels = experiment.model.sample_labels(2000, torch.Generator().manual_seed(0)).double().mean()
    assert abs(labels - 0.1) < 0.03, "what is measured is as frequent as in the data"


def test_a_balanced_run_resumes_exactly(ready, rare):
    overrides = (*rare, "model=cgan", "callbacks.checkpoints.every=2")
    whole, resumed = whole_and_resumed(ready, *overrides, at=5)
    assert all(map(torch.equal, whole.model.parameters(), resumed.model.parameters()))


def test_points_and_digits_are_balanced_too_and_data_without_classes_is_refused(ready):
    assert ready("data=ring", "data.size=64", "data.batch_size=16", "data.balance=true", *TINY_MLP).data.data.balance
    with refused("data.balance"):
        ready("data=density", "data.size=64", "data.batch_size=16", "data.balance=true", *TINY_MLP, folder="none")
