"""What has to hold on a GPU: ``pytest -m gpu``, on a machine that has one.

``GANEXP_DEVICE=cpu pytest -m gpu`` runs the same tests on the CPU, with narrow networks, to see that they run at all. Images
are random bytes, so that no data set is needed.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ganexp.config.compose import compose, directory
from ganexp.runs.run import Run
from ganexp.training.experiment import assemble
from ganexp.training.train import train
from support.crashes import crash
from support.curves import curves
from support.image_files import save
from support.one_update import RANDOM, data_of
from support.tiny import CONVOLUTIONS, POINTS, TINY, TINY_IMAGES

pytestmark = pytest.mark.gpu

PRESETS = sorted(path.stem for path in (directory() / "experiment").glob("*.yaml"))
CHEAP = ("density_gan", "digits_stylegan2_small", "mnist_sngan_small")  # also where there is no GPU
ALONE = tuple(f"~callbacks.{name}" for name in ("samples", "evaluation", "checkpoints", "weights", "progress"))
QUIET = (*ALONE, "metrics=none", "data.batch_size=8", "trainer.max_epochs=null", "callbacks.scalars.every=1")
DCGAN = (*TINY_IMAGES, "model=dcgan", *CONVOLUTIONS, "network.discriminator.norm=layer")
STYLES = ("network.generator.style_dim=8", "network.generator.mapping_layers=2")


def small(name: str) -> tuple[str, ...]:
    """Return what makes convolutional networks of a preset narrow, on the CPU."""
    if "mlp" in name or "density" in name:
        return ()
    if "upsample" in name or name in ("mnist_cgan_class", "mnist_ssgan"):
        return ("network.generator.widths=[8,8]", "network.discriminator.widths=[8,8]")
    return (*CONVOLUTIONS, *(STYLES if "stylegan2" in name else ()))


def play(folder: Path, device: str, name: str, *overrides: str) -> None:
    """Train a preset for 20 iterations, on the CPU for 2, and look for numbers that are not finite."""
    if name.startswith("folder"):
        for number in range(32):
            save(folder / "pictures" / f"{number}.png", (8 * number, 0, 255))
        overrides = (f"data.path={folder / 'pictures'}", "data.size=32", *overrides)
    if name.startswith("mnist"):
        overrides = ("data.subset=null", *overrides)
    sizes = ("trainer.max_iterations=2", *small(name)) if device == "cpu" else ("trainer.max_iterations=20",)
    options = (*QUIET, *sizes, *overrides, f"trainer.accelerator={device}")
    experiment = assemble(compose(f"experiment={name}", *data_of(name, RANDOM), *options), Run(folder / "run"))
    train(experiment, [])
    assert experiment.model.device.type == ("cpu" if device == "cpu" else "cuda")
    assert all(value.isfinite().all() for value in experiment.model.state_dict().values() if isinstance(value, torch.Tensor))
    losses = curves(experiment.run.path)["loss/d"]
    assert losses and all(math.isfinite(value) for _, value in losses)


@pytest.mark.parametrize("name", CHEAP)
def test_cheap_presets_train_anywhere(tmp_path, anywhere, name):
    play(tmp_path, anywhere, name)


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in CHEAP])
def test_every_preset_trains(tmp_path, device, name):
    play(tmp_path, device, name)


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_in_mixed_precision(tmp_path, device, name, precision):
    if device == "cpu" and precision == "16-mixed":
        pytest.skip("half precision needs a GPU")
    play(tmp_path, device, name, f"trainer.precision={precision}")


@pytest.fixture
def exact(monkeypatch):
    """Let the device give the same bits each time, and round as the CPU does."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("kind", [POINTS, DCGAN], ids=["points", "images"])
def test_ten_iterations_on_the_device_agree_with_the_cpu(ready, monkeypatch, anywhere, exact, kind):
    """The latents are drawn on the CPU for both; each kind of device has random numbers of its own."""
    losses = []
    for accelerator in ("cpu", anywhere):
        options = ("trainer.max_iterations=10", "callbacks.scalars.every=1", "penalty=r1", *ALONE)
        experiment = ready(*kind, *options, f"trainer.accelerator={accelerator}", folder=f"{len(losses)}")
        latents = torch.Generator().manual_seed(0)
        model, draw = experiment.model, experiment.model.sample_latent
        monkeypatch.setattr(
            model, "sample_latent", lambda n, _=None, draw=draw, model=model, own=latents: draw(n, own).to(model.device)
        )
        train(experiment, [])
        found = curves(experiment.run.path)
        losses.append([value for tag in ("loss/d", "loss/g") for _, value in found[tag]])
    assert len(losses[0]) == 20
    assert losses[1] == pytest.approx(losses[0], rel=1e-4, abs=1e-4)


def test_a_resumed_run_ends_with_the_same_bits(ready, anywhere, exact):
    options = (*DCGAN, f"trainer.accelerator={anywhere}", "callbacks.checkpoints.every=2")
    whole = ready(*options, folder="whole")
    train(whole, [])
    crash(ready(*options), 3)
    resumed = ready(*options)
    train(resumed, [])
    weights = dict(resumed.model.named_parameters())
    assert all(torch.equal(value, weights[key]) for key, value in whole.model.named_parameters())
    assert curves(resumed.run.path) == curves(whole.run.path)


@pytest.mark.parametrize("back", [False, True])
def test_a_run_continues_on_the_other_device(ready, anywhere, back):
    first, then = ("cpu", anywhere) if back else (anywhere, "cpu")
    crash(ready(*DCGAN, f"trainer.accelerator={first}", "callbacks.checkpoints.every=2"), 3)
    experiment = ready(*DCGAN, f"trainer.accelerator={then}", "callbacks.checkpoints.every=2")
    assert experiment.checkpoint is not None
    train(experiment, [])
    assert experiment.model.counters.iteration == 6
    assert all(math.isfinite(value) for _, value in curves(experiment.run.path)["loss/d"])


def test_two_runs_share_the_device(tmp_path, device):
    options = [*TINY, *POINTS, f"trainer.accelerator={device}", "launcher=joblib", "launcher.n_jobs=2", "seed=0,1"]
    places = ["launcher.jobs_per_gpu=2"] if device == "gpu" else []
    command = [sys.executable, "-m", "ganexp", "-m", *options, *places, f"output_dir={tmp_path}", "name=it"]
    path = os.pathsep.join(str(Path(__file__).parents[up]) for up in (1, 2))
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": path}, capture_output=True)
    summaries = [json.loads(path.read_text()) for path in tmp_path.rglob("summary.json")]
    assert [summary["status"] for summary in summaries] == ["finished"] * 2


def test_metrics_and_the_classifier_work_on_the_device(ready, anywhere):
    options = ("data=digits", "data.batch_size=16", "metrics=images", "model=cgan", "callbacks.evaluation.times=1")
    experiment = ready(*options, "callbacks.evaluation.samples=400", f"trainer.accelerator={anywhere}")
    train(experiment, [])
    assert {"fid", "coverage"} <= set(experiment.run.summary.metrics)
