"""A trained model from what a run left."""

import random
import shutil
import zipfile

import numpy as np
import pytest
import torch
import yaml

from ganexp.config.errors import ConfigError
from ganexp.runs.run import Run
from ganexp.training.restore import restore
from support.made_runs import summary
from support.refused import refused
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

EVERY = "callbacks.checkpoints.every=3"
IMAGES = (*TINY_IMAGES, *TINY_MLP, "network=mlp", "schedule.ema_decay=0.5")


@pytest.mark.parametrize(
    "overrides",
    [
        (*TINY_RING, "model=gan"),
        (
            *TINY_RING,
            "model=cgan",
            "network=mlp",
            "network.discriminator.spectral_norm=true",
            "network.generator.spectral_norm=true",
        ),
        (*IMAGES, "model=gan", "network.generator.norm=batch"),
        (*IMAGES, "model=infogan", "model.noise=uniform"),
        (*IMAGES, "model=ssgan", "model.labels=20"),
        ("data=digits", "data.batch_size=16", "model=dcgan", "network.generator.channels=4"),
    ],
    ids=lambda overrides: f"{overrides[0]} {' '.join(o for o in overrides if o.startswith('model='))}",
)
def test_makes_the_samples_of_the_model_that_was_saved(trained, overrides):
    training = trained(*overrides)
    model = training.model
    z = model.sample_latent(5, torch.Generator().manual_seed(0))
    y = model.sample_labels(5, torch.Generator().manual_seed(0))
    restored = restore(training.run.path)
    assert torch.equal(restored.model.sample(z, y), model.sample(z, y))
    assert restored.iteration == restored.model.counters.iteration == 6
    assert restored.run.path == training.run.path and restored.data.shape == model.data.shape
    assert not any(module.training for module in restored.model.modules())
    for name, value in model.state_dict().items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(restored.model.state_dict()[name], value), name


def test_leaves_the_global_random_generators_alone(trained):
    run = trained(*TINY_RING).run

    def states():
        return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()

    before = states()
    restore(run.path)
    assert states() == before


def test_reads_no_file_of_the_data(trained, monkeypatch):
    training = trained(*IMAGES)
    monkeypatch.setattr(type(training.model.data), "load", None)
    monkeypatch.setattr(type(training.model.data), "prepare", None)
    assert restore(training.run.path).data.shape == (1, 8, 8)


def test_takes_other_options_of_the_data(trained):
    run = trained(*TINY_RING).run
    assert restore(run.path, {"size": 32}).data.size == 32
    with pytest.raises(ConfigError, match="no option 'sise'") as caught:
        restore(run.path, {"sise": 32})
    assert caught.value.keys == ("data.sise",)


def test_needs_none_of_the_hardware_of_the_training(trained):
    run = trained(*TINY_RING).run
    change_config(run, lambda config: config["trainer"].update(accelerator="gpu", devices=8))
    assert restore(run.path).iteration == 6


@pytest.fixture
def stopped(trained) -> Run:
    """Return a run with checkpoints and no summary: one that is still training."""
    run = trained(*TINY_RING, EVERY).run
    (run.path / "summary.json").unlink()
    assert [path.stem for path in run.checkpoints] == ["last", "previous", "best"]
    return run


def change_config(run, change):
    file = run.path / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    change(config)
    file.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize(
    ("inside", "name", "iteration"),
    [
        ("", "last.ckpt", 6),
        ("checkpoints", "last.ckpt", 6),
        ("checkpoints/last.ckpt", "last.ckpt", 6),
        ("checkpoints/previous.ckpt", "previous.ckpt", 3),
    ],
)
def test_takes_the_checkpoint_that_is_named_or_the_newest(stopped, inside, name, iteration):
    restored = restore(stopped.path / inside)
    assert (restored.checkpoint, restored.iteration) == (stopped.path / "checkpoints" / name, iteration)


def test_takes_the_best_checkpoint_where_it_is_asked_for_and_there(stopped):
    folder = stopped.path / "checkpoints"
    (folder / "best.ckpt").unlink(missing_ok=True)
    with refused("run") as caught:
        restore(stopped.path, checkpoint="best")
    assert "checkpoint=last" in str(caught.value)
    shutil.copy(folder / "previous.ckpt", folder / "best.ckpt")
    for path, asked, name, iteration in (
        (stopped.path, "best", "best.ckpt", 3),
        (stopped.path, "last", "last.ckpt", 6),
        (folder / "last.ckpt", "best", "last.ckpt", 6),
    ):
        restored = restore(path, checkpoint=asked)
        assert (restored.checkpoint, restored.iteration) == (folder / name, iteration)
    (folder / "best.ckpt").write_bytes(b"")
    with refused("run"):
        restore(stopped.path, checkpoint="best")


def test_takes_the_one_before_a_damaged_one_and_says_so(stopped):
    last = stopped.checkpoints[0]
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.warns(RuntimeWarning, match="last.ckpt"):
        assert restore(stopped.path).iteration == 3
    with refused("run"):
        restore(last)


def empty(run):
    shutil.rmtree(run.path / "checkpoints")


def damage(run):
    for path in run.checkpoints:
        path.write_bytes(b"")


def archive(run):
    with zipfile.ZipFile(run.path / "checkpoints" / "last.ckpt", "w") as file:
        file.writestr("a", "b")


def other_save(run):
    torch.save({"weights": torch.zeros(1)}, run.path / "checkpoints" / "last.ckpt")


def no_section(run):
    change_config(run, lambda config: config.pop("network"))


def unknown_option(run):
    change_config(run, lambda config: config["schedule"].update(gone=1))
    run.write_summary(summary(versions={"ganexp": "0.0.1"}))


def other_network(run):
    change_config(run, lambda config: config["network"]["generator"].update(widths=[9]))


def no_config(run):
    (run.path / ".hydra" / "config.yaml").unlink()


@pytest.mark.parametrize(
    ("spoil", "inside", "names"),
    [
        (empty, "", ""),
        (damage, "", "previous.ckpt"),
        (None, "checkpoints/gone.ckpt", "best.ckpt, last.ckpt, previous.ckpt"),
        (None, "metrics.csv", "metrics.csv"),
        (archive, "checkpoints/last.ckpt", "last.ckpt"),
        (other_save, "checkpoints/last.ckpt", "last.ckpt"),
        (no_section, "", "'network'"),
        (unknown_option, "", "ganexp 0.0.1"),
        (other_network, "", "size mismatch for generator"),
        (no_config, "", ".hydra/config.yaml"),
    ],
)
def test_what_cannot_be_restored_is_refused(stopped, spoil, inside, names):
    if spoil is not None:
        spoil(stopped)
    with refused("run") as caught:
        restore(stopped.path / inside)
    assert names in str(caught.value)
