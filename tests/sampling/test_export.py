"""Exported generators: used by a process that has no ganexp."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from ganexp.sampling.export import check_installed, describe, export, usage
from ganexp.training.restore import restore
from support.refused import refused
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

DCGAN = (*TINY_IMAGES, "network.generator.channels=4")
UPSAMPLE = ("network=dcgan_upsample", *TINY_IMAGES, "network.generator.widths=[4]", "network.discriminator.widths=[4]")
CASES = {
    "points": TINY_RING,
    "labels": (*TINY_RING, "model=cgan", "network=mlp", "model.noise=mixture", "network.generator.spectral_norm=true"),
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
from pathlib import Path
for folder in map(Path, sys.argv[1:]):
    (file,) = folder.glob("generator.*")
    inputs = numpy.load(folder / "inputs.npz")
    batches = [[inputs[name][:n] for name in ("z", "y") if name in inputs] for n in (1, 2, 7)]
    if file.suffix == ".pt2":
        extra = {"generator.json": ""}
        generator = torch.export.load(file, extra_files=extra).module()
        made = [generator(*map(torch.from_numpy, batch)).numpy() for batch in batches]
        description = extra["generator.json"]
    else:
        import onnxruntime
        session = onnxruntime.InferenceSession(file)
        made = [session.run(None, dict(zip(("z", "y"), batch)))[0] for batch in batches]
        description = session.get_modelmeta().custom_metadata_map["generator.json"]
    numpy.savez(folder / "results.npz", *made)
    print(json.dumps(json.loads(description)))
assert sys.modules["ganexp"] is None and not [name for name in sys.modules if name.startswith("ganexp.")]
"""

ONNX = pytest.param("onnx", marks=pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxscript", "onnxruntime"))), reason="needs onnx, onnxscript and onnxruntime"
))  # fmt: skip


@pytest.fixture(scope="module")
def exported(shared_run, tmp_path_factory):
    """Return a function that exports a case once, and gives what was exported and the file."""
    base, made = tmp_path_factory.mktemp("exported"), {}

    def find(case, format="torch_export"):
        if (case, format) not in made:
            restored = restore(shared_run(*CASES[case]))
            folder = base / format / case
            folder.mkdir(parents=True)
            file = folder / {"torch_export": "generator.pt2", "onnx": "generator.onnx"}[format]
            export(restored, file, format)
            assert list(folder.iterdir()) == [file], "one file is all"
            made[case, format] = restored, file
        return made[case, format]

    return find


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:onnxscript|onnx_ir|copyreg|torch.onnx")
@pytest.mark.parametrize("format", ["torch_export", ONNX])
def test_gives_the_same_samples_for_any_batch_without_ganexp(shared_run, exported, format):
    expected, descriptions, folders = [], [], []
    for case in CASES:
        model = restore(shared_run(*CASES[case])).model
        z = model.sample_latent(7, torch.Generator().manual_seed(3))
        y = model.sample_labels(7, torch.Generator().manual_seed(3))
        expected.append([model.sample(z[:n], y[:n]).numpy() for n in (1, 2, 7)])
        restored, file = exported(case, format)
        assert torch.equal(restored.model.sample(z, y), model.sample(z, y)), "the model stays as it was"
        descriptions.append(json.loads(json.dumps(describe(restored))))
        folders.append(file.parent)
        np.savez(file.parent / "inputs.npz", z=z.numpy(), **({"y": y.numpy()} if model.label_classes else {}))
    done = subprocess.run([sys.executable, "-I", "-c", FOREIGN, *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(map(json.loads, done.stdout.splitlines())) == descriptions
    for folder, samples in zip(folders, expected, strict=True):
        with np.load(folder / "results.npz") as results:
            for made, sample in zip(results.values(), samples, strict=True):
                np.testing.assert_allclose(made, sample, rtol=0, atol=1e-5, err_msg=folder.name)


def test_labels_and_latents_that_do_not_fit_are_refused(exported):
    generator = torch.export.load(exported("labels")[1]).module()
    assert generator(torch.zeros(3, 3), torch.tensor([0, 1, 7])).shape == (3, 2)
    for z, y in ((torch.zeros(3, 4), torch.zeros(3, dtype=torch.int64)), (torch.zeros(3, 3), torch.full((3,), 8))):
        with pytest.raises((RuntimeError, AssertionError)):
            generator(z, y)


def test_describes_what_goes_in_and_comes_out(shared_run):
    restored = restore(shared_run(*CASES["codes"]))
    assert describe(restored) == {
        "latent_dim": 3, "noise": "uniform", "classes": 10, "class_names": tuple(f"code {k}" for k in range(10)),
        "shape": (1, 8, 8), "value_range": (-1.0, 1.0), "averaged": restored.model.average is not None, "iteration": 6,
        "run": restored.run.path.name, "attributes": None,
    }  # fmt: skip


@pytest.mark.parametrize("case", ["points", "labels"])
def test_the_usage_that_is_shown_runs(exported, case):
    restored, file = exported(case)
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
