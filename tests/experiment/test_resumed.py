"""What presets of today keep beside their weights is in the checkpoint: a run that crashed ends as one that did not."""

import pytest
import torch

from support.crashes import whole_and_resumed
from support.curves import curves
from support.one_update import RANDOM, data_of
from support.tiny import TINY_RING

SMALL = (
    "data.batch_size=4", "network.generator.channels=2", "network.discriminator.channels=2", "metrics=none",
    "callbacks.checkpoints.every=2", "~callbacks.samples", "~callbacks.health",
)  # fmt: skip
LECAM = ("+penalty@regularizers.lecam=lecam", "regularizers.lecam.start=1")
RAMPS = ("penalty.gamma", "augmentation.probability", "optimizer.lr", "optimizer.betas.1", "schedule.ema_images")
STYLES = ("network.generator.style_dim=4", "network.discriminator.mapping_layers=2", "model.latent_dim=4")


@pytest.mark.parametrize(
    ("name", "options", "kept"),
    [
        # The ramps take 32 images, the run 24, and the crash is at 12.
        ("cifar10_r3gan", (*LECAM, *(f"{key}.images=32" for key in RAMPS)), "anchors"),
        # p moves at the fourth update, of whose signs the checkpoint has two.
        ("cifar10_stylegan2_ada", (*STYLES, "augmentation.probability=0.5", "augmentation.images=100"), "augmentation.p"),
    ],
)
def test_a_crash_in_the_middle_of_every_ramp_is_not_seen_in_the_end(ready, name, options, kept):
    whole, resumed = whole_and_resumed(ready, f"experiment={name}", *data_of(name, RANDOM), *SMALL, *options, at=3)
    mine, its = resumed.model.state_dict(), whole.model.state_dict()
    assert mine.keys() == its.keys() and any(key.endswith(kept) for key in its)
    for key, value in mine.items():
        assert torch.equal(value, its[key]) if isinstance(value, torch.Tensor) else value == its[key], key
    assert resumed.model.learning_rates() == whole.model.learning_rates()
    assert curves(resumed.run.path) == curves(whole.run.path)
    if name.endswith("ada"):
        assert float(whole.model.augmentation.p) != 0.5


def test_double_precision_is_not_rounded_on_the_way(ready):
    options = (*TINY_RING, "model=gan", "trainer.precision=64", "callbacks.checkpoints.every=2", "metrics=none")
    whole, resumed = (one.model.state_dict() for one in whole_and_resumed(ready, *options, at=3))
    tensors = [name for name, value in whole.items() if isinstance(value, torch.Tensor)]
    assert tensors and all(torch.equal(whole[name], resumed[name]) for name in tensors)
