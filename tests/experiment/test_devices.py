"""What goes wrong on a GPU and nowhere else: a tensor on another device, and a wait for the device in every iteration.

Each wait is counted at the function that waits. A run copies its data to the device, and the order of the samples in each
epoch; it reads values once for a log entry. Nothing else in an iteration waits. All models, losses, penalties and augmentations
go through this in ``tests/models/test_variants.py``.
"""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError

from ganexp.config.compose import compose, directory
from ganexp.metrics import Reference
from ganexp.metrics.measurement import generate
from ganexp.models.regularizers import Regularizer
from support.cover import pairs
from support.elsewhere import elsewhere, move, once, train_elsewhere
from support.tiny import POINTS, TINY, TINY_IMAGES, TINY_RING

NETWORKS = sorted(path.stem for path in (directory() / "network").glob("*.yaml") if path.stem != "auto")  # mlp or dcgan
COLOURS = ("data=cifar10", "data._target_=support.one_update.RandomPhotographs", "data.batch_size=4", "metrics=none")
CHANNELS = ("network.generator.channels=8", "network.discriminator.channels=8")
WIDTHS = ("network.generator.widths=[8,8]", "network.discriminator.widths=[8,8]")
SMALL = {"biggan": (*CHANNELS, "model.latent_dim=8"), "dcgan_upsample": WIDTHS, "mlp": WIDTHS}
ALONE = tuple(f"~callbacks.{name}" for name in ("samples", "evaluation", "checkpoints", "weights", "progress"))
QUIET = (*ALONE, "~callbacks.health", "trainer.max_iterations=1")
KINDS = (
    ("model=gan", "penalty=r1_r2", "+penalty@regularizers.second=consistency"),
    ("model=cgan", "penalty=gradient", "+penalty@regularizers.second=latent_consistency"),
    ("model=acgan", "penalty=lecam", "+penalty@regularizers.second=r1"),
)


@pytest.mark.parametrize(
    ("network", "kind", "augmentation"), pairs(NETWORKS, KINDS, ("none", "diffaugment", "ada")), ids=lambda one: str(one)[:20]
)
def test_no_network_waits_for_the_device(tmp_path, network, kind, augmentation):
    default = CHANNELS if " channels:" in (directory() / "network" / f"{network}.yaml").read_text() else ()
    small = SMALL.get(network, default)
    choices = (*kind, f"network={network}", *small, f"augmentation={augmentation}", "recipe.norm=layer")
    assert train_elsewhere(compose(*TINY, *COLOURS, *QUIET, *choices), tmp_path / "run") == once()


@pytest.mark.parametrize("network", ["biggan", "stylegan2"])
def test_what_is_computed_twice_waits_no_more(tmp_path, network):
    choices = ("model=cgan", f"network={network}", *CHANNELS, "penalty=r1", "recipe.norm=layer", "model.latent_dim=8")
    config = compose(*TINY, *COLOURS, *QUIET, *choices, "trainer.recompute=true")
    assert train_elsewhere(config, tmp_path / "run") == once()


def test_a_run_waits_once_for_a_log_entry_and_once_for_a_look_at_the_samples(tmp_path):
    cadences = ("callbacks.scalars.every=2", "callbacks.health.every=3", "trainer.max_iterations=6")
    config = compose(*TINY, *TINY_RING, *ALONE, *cadences, "schedule.ema_decay=0.9")
    assert train_elsewhere(config, tmp_path / "run") == once(epochs=2) | {
        "read scalars.act": 3,
        # How far apart real samples lie, once; then generated ones, whose latents and labels are drawn on the host.
        "copy diversity.real_distance": 1, "read diversity.real_distance": 1,
        "copy gan.sample_latent": 2, "copy gan.sample_labels": 2, "read diversity.generated_distance": 2,
    }  # fmt: skip


@pytest.mark.parametrize("overrides", [("optimizer=rmsprop",), ("schedule.gradient_clip=1.0", "schedule.micro_batches=2")])
def test_no_way_to_move_waits_for_the_device(tmp_path, overrides):
    assert train_elsewhere(compose(*TINY, *TINY_RING, *QUIET, *overrides), tmp_path / "run") == once()


TURNS = (
    ("schedule.fakes_at_once=false", "schedule.fakes_at_once=true", "schedule.latents=shared", "schedule.fakes_mode=eval"),
    ("schedule.top_k=1.0", "schedule.top_k=0.5", "+lr_schedule@schedule.top_k=linear"),
    ("schedule.lazy_terms=joint", "schedule.lazy_terms=apart"),
    ("schedule.ema_decay=null", "schedule.ema_decay=0.9", "schedule.ema_images=100"),
    ("model=gan", "model=cgan", "model=mhgan"),
)
"""Options of who moves when, of which every two stand together in one of the tests."""


@pytest.mark.parametrize("choices", pairs(*TURNS), ids=lambda row: ",".join(one.rpartition(".")[2] for one in row))
def test_no_order_of_the_moves_waits_for_the_device(tmp_path, choices):
    lazy = ("penalty=r1", "penalty.every=2", "schedule.d_steps=2", "trainer.max_iterations=2", "callbacks.scalars.every=2")
    loss = "loss=multi_hinge" if "model=mhgan" in choices else "loss=hinge"
    config = compose(*TINY, *POINTS, *QUIET, loss, *lazy, *choices)
    assert train_elsewhere(config, tmp_path / "run") == once()


@pytest.mark.parametrize(
    ("model", "lazy_terms", "augmentation"), pairs(("gan", "cgan", "reacgan"), ("joint", "apart"), ("none", "ada"))
)
def test_styles_and_the_lengths_of_paths_wait_for_nothing(tmp_path, model, lazy_terms, augmentation):
    choices = (
        f"model={model}", "network=stylegan2", *CHANNELS, "network.generator.mixing=0.9", "loss=non_saturating", "penalty=r1",
        "penalty.every=2", "+penalty@regularizers.lengths=path_length", "+penalty@regularizers.filters=orthogonal",
        f"schedule.lazy_terms={lazy_terms}", f"augmentation={augmentation}", "schedule.ema_images=100",
        "schedule.ema_decay=null", "trainer.max_iterations=2", "callbacks.scalars.every=2",
    )  # fmt: skip
    assert train_elsewhere(compose(*TINY, *COLOURS, *QUIET, *choices), tmp_path / "run") == once()


@pytest.mark.parametrize("conditional", [False, True])
def test_a_measurement_copies_its_latents_once_and_reads_its_samples_once(ready, conditional):
    model = ready(*TINY_IMAGES, "network=mlp", *WIDTHS, f"model={'cgan' if conditional else 'gan'}").model
    model.data.class_weights = (0.19, 0.01, *[0.1] * 8)
    reference = Reference(model.data)
    with elsewhere() as waits:
        move(model)
        samples = generate(model, reference, count=50, seed=0, batch_size=20)
        assert samples.raw.shape == (50, 1, 8, 8)
    read = {"read reference.__init__": 2 if conditional else 1}
    # The frequencies of the classes are kept on the device, and read for a draw on the host.
    frequencies = {"copy gan._frequencies": 1, "read gan.sample_labels": 1} if conditional else {}
    assert waits.counted == {"copy gan.sample_latent": 1, "copy gan.sample_labels": 1} | read | frequencies


class OnTheHost(Regularizer):
    """Add a tensor that nobody moves to the device."""

    def forward(self, judgement):
        return (judgement.real.logits + torch.ones(len(judgement.real.y))).mean()


class Reading(Regularizer):
    """Look at values, and wait for them."""

    def forward(self, judgement):
        logits = judgement.real.logits.detach()
        read = float(logits.mean()) + logits.max().item() + bool(logits[0] > 0) + sum(logits.tolist())
        return judgement.real.logits.mean() * torch.tensor([1.0], device=logits.device) * read


def test_mixed_devices_raise_and_waits_are_counted(tmp_path):
    def config(name):
        return compose(*TINY, *TINY_RING, *QUIET, f"+regularizers.own._target_=experiment.test_devices.{name}")

    with pytest.raises(FakeTensorDeviceMismatchError, match="lazy"):
        train_elsewhere(config("OnTheHost"), tmp_path / "mixed")
    assert train_elsewhere(config("Reading"), tmp_path / "read") == once() | {
        "read player.terms": 4,
        "copy player.terms": 1,
    }
