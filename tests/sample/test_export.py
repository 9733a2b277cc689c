"""Exported generators: used by a process that has no ganexp."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from ganexp.sample.export import check_installed, describe, export, usage
from ganexp.training.restore import restore
from support.refused import refused
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

DCGAN = (*TINY_IMAGES, "network.generator.channels=4")
UPSAMPLE = ("network=dcgan_upsample", *TINY_IMAGES, "network.generator.widths=[4]", "network.discriminator.widths=[4]")
CASES = {
    "points": TINY_RING,
    "labels": (*TINY_RING, "model=cgan", "network=mlp", "network.generator.spectral_norm=true"),
    "batch norm": ("model=cgan", "network=dcgan", *DCGAN, "schedule.ema_decay=0.5"),
    "spectral norm": ("model=dcgan", *DCGAN, "network.generator.spectral_norm=true"),
    "resized pixels": ("model=gan", *UPSAMPLE),
    "codes": ("model=infogan", "network=mlp", *TINY_IMAGES, *TINY_MLP, "model.noise=uniform"),
}

# -I: neither the working directory nor PYTHONPATH; and the checkout may be installed.
FOREIGN = """
import sys
sys.modules["ganexp"] = None
import json, numpy, torch
source, file, results = sys.argv[1:]
inputs = numpy.load(source)
batches = [[inputs[name][:n] for name in ("z", "y") if name in inputs] for n in (1, 2, 7)]
if file.endswith(".pt2"):
    extra = {"generator.json": ""}
    generator = torch.export.load(file, extra_files=extra).module()
    made = [generator(*map(torch.from_numpy, batch)).numpy() for batch in batches]
    description = extra["generator.json"]
else:
    import onnxruntime
    session = onnxruntime.InferenceSession(file)
    made = [session.run(None, dict(zip(("z", "y"), batch)))[0] for batch in batches]
    description = session.get_modelmeta().custom_metadata_map["generator.json"]
numpy.savez(results, *made)
print(json.dumps(json.loads(description)))
assert sys.modules["ganexp"] is None and not [name for name in sys.modules if name.startswith("ganexp.")]
"""

ONNX = pytest.param("onnx", marks=pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxscript", "onnxruntime"))), reason="needs onnx, onnxscript and onnxruntime"
))  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:onnxscript|onnx_ir|copyreg|torch.onnx")
@pytest.mark.parametrize("format", ["torch_export", ONNX])
@pytest.mark.parametrize("case", CASES)
def test_gives_the_same_samples_without_ganexp(shared_run, tmp_path, format, case):
    restored = restore(shared_run(*CASES[case]))
    model, file = restored.model, tmp_path / {"torch_export": "generator.pt2", "onnx": "generator.onnx"}[format]
    export(restored, file, format)
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name]  # one file is all

    z = model.sample_latent(7, torch.Generator().manual_seed(3))
    y = model.sample_labels(7, torch.Generator().manual_seed(3))
    labels = {"y": y.numpy()} if model.label_classes else {}
    np.savez(tmp_path / "inputs.npz", z=z.numpy(), **labels)
    command = [sys.executable, "-I", "-c", FOREIGN, tmp_path / "inputs.npz", file, tmp_path / "results.npz"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "results.npz") as results:
        for n, made in zip((1, 2, 7), results.values(), strict=True):
            np.testing.assert_allclose(made, model.sample(z[:n], y[:n]).numpy(), rtol=0, atol=1e-5)
    assert json.loads(done.stdout) == json.loads(json.dumps(describe(restored)))


@pytest.mark.parametrize("case", CASES)
def test_is_the_model_for_any_batch_and_the_model_stays_as_it_was(shared_run, tmp_path, case):
    restored, file = restore(shared_run(*CASES[case])), tmp_path / "generator.pt2"
    model, generator = restored.model, torch.Generator().manual_seed(3)
    z, y = model.sample_latent(7, generator), model.sample_labels(7, generator)
    before = model.sample(z, y)
    export(restored, file, "torch_export")
    assert torch.equal(model.sample(z, y), before)
    made = torch.export.load(file).module()
    for n in (1, 2, 7):
        inputs = (z[:n], y[:n]) if model.label_classes else (z[:n],)
        torch.testing.assert_close(made(*inputs), model.sample(z[:n], y[:n]), rtol=0, atol=1e-5)


def test_labels_and_latents_that_do_not_fit_are_refused(shared_run, tmp_path):
    restored = restore(shared_run(*CASES["labels"]))
    export(restored, tmp_path / "generator.pt2", "torch_export")
    generator = torch.export.load(tmp_path / "generator.pt2").module()
    assert generator(torch.zeros(3, 3), torch.tensor([0, 1, 7])).shape == (3, 2)
    for z, y in ((torch.zeros(3, 4), torch.zeros(3, dtype=torch.int64)), (torch.zeros(3, 3), torch.full((3,), 8))):
        with pytest.raises((RuntimeError, AssertionError)):
            generator(z, y)


def test_describes_what_goes_in_and_comes_out(shared_run):
    restored = restore(shared_run(*CASES["codes"]))
    assert describe(restored) == {
        "latent_dim": 3, "noise": "uniform", "classes": 10, "class_names": tuple(f"code {k}" for k in range(10)),
        "shape": (1, 8, 8), "value_range": (-1.0, 1.0), "averaged": restored.model.average is not None, "iteration": 6,
        "run": restored.run.path.name,
    }  # fmt: skip


@pytest.mark.parametrize("case", ["points", "labels", "codes"])
def test_the_usage_that_is_shown_runs(shared_run, tmp_path, case):
    restored, file = restore(shared_run(*CASES[case])), tmp_path / "generator.pt2"
    export(restored, file, "torch_export")
    lines = usage(restored, file, "torch_export")
    assert len(lines.splitlines()) == 2
    names = {"torch": torch}
    exec(lines, names)
    assert names["samples"].shape == (16, *restored.data.shape)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    check_installed("torch_export")
    with refused("export") as caught:
        check_installed("onnx")
    assert "ganexp[onnx]" in str(caught.value)
