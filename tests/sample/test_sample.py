"""Samples from a run, through the real command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.config.compose import compose, directory
from ganexp.runs.run import Run
from ganexp.sample.__main__ import main
from ganexp.training.experiment import assemble
from ganexp.training.restore import restore
from ganexp.training.train import prepare, train
from support.tiny import TINY, TINY_IMAGES, TINY_MLP, TINY_RING

IMAGES = (*TINY_IMAGES, *TINY_MLP, "network=mlp", "optimizer.lr=0.01", "schedule.ema_decay=0.5", "schedule.ema_warmup=false")
RUNS = {
    "points": TINY_RING,
    "labelled": (*TINY_RING, "model=cgan", "network=mlp"),
    "images": (*IMAGES, "model=cgan"),
    "codes": (*IMAGES, "model=infogan"),
    "unlabelled": (*IMAGES, "model=ssgan", "model.labels=20", "model.noise=uniform"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Return the folders of trained runs that no test changes."""
    folder = tmp_path_factory.mktemp("runs")
    for name, overrides in RUNS.items():
        train(prepare(assemble(compose(*TINY, *overrides)), Run(folder / name)), list(overrides))
    return {name: folder / name for name in RUNS}


@pytest.fixture
def sample(runs, monkeypatch, tmp_path, capsys):
    """Return a function that runs the command line for one of the runs, in an empty folder, and returns what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)

    def run(name: str, *arguments: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["sample", f"run={runs.get(name, name)}", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == status, printed.err
        return printed.err if status else printed.out

    return run


@pytest.fixture
def arrays(sample, tmp_path):
    """Return a function that samples to an archive and returns its arrays."""

    def load(name: str, *arguments: str) -> dict[str, np.ndarray]:
        sample(name, "format=npz", "output=made.npz", "overwrite=true", *arguments)
        with np.load(tmp_path / "made.npz") as archive:
            return dict(archive)

    return load


@pytest.mark.parametrize("name", RUNS)
def test_an_archive_holds_what_the_model_makes(arrays, runs, name):
    made, model = arrays(name, "n=23", "seed=4", "batch_size=10"), restore(runs[name]).model
    labels = made.get("labels", np.zeros(23, dtype=np.int64))
    assert (made["samples"].shape, made["samples"].dtype) == ((23, *model.data.shape), np.float32)
    assert sorted(made) == (["labels", "samples", "z"] if model.label_classes else ["samples", "z"])
    expected = model.sample(torch.from_numpy(made["z"]), torch.from_numpy(labels))
    np.testing.assert_allclose(made["samples"], expected.numpy(), rtol=0, atol=1e-6)
    assert len(np.unique(made["z"][:, 0])) == 23
    if model.label_classes:
        counts = np.bincount(labels, minlength=model.label_classes)
        assert counts.max() - counts.min() == 1 and len(counts) == model.label_classes


@pytest.mark.parametrize(("format", "suffix"), [("grid", ".png"), ("npz", ".npz")])
def test_a_seed_is_a_file(sample, tmp_path, format, suffix):
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        sample("images", f"format={format}", f"seed={seed}", "n=12", f"output={name}{suffix}")
    one, again, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "again", "two"))
    assert one == again != two


def test_the_generator_itself_is_another_than_its_average(arrays, runs):
    average, live = arrays("images", "n=10"), arrays("images", "n=10", "ema=false")
    assert np.array_equal(average["z"], live["z"])
    assert np.abs(average["samples"] - live["samples"]).max() > 1e-3
    model = restore(runs["images"]).model
    z, y = torch.from_numpy(live["z"]), torch.from_numpy(live["labels"])
    expected = model.generate(model.generator, z, y).detach().numpy()
    np.testing.assert_allclose(live["samples"], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "classes", "expected"),
    [
        ("images", "3", [3] * 6),
        ("images", "[7,1]", [7] * 3 + [1] * 3),
        ("images", '"4"', [4] * 6),
        ("codes", "code 2", [2] * 6),
        ("codes", "[code 2,0]", [2] * 3 + [0] * 3),
        ("labelled", "all", [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]),
    ],
)
def test_classes_are_chosen_by_number_and_name(arrays, name, classes, expected):
    assert arrays(name, f"classes={classes}", f"n={len(expected)}")["labels"].tolist() == expected


def test_truncated_latents(arrays):
    assert np.abs(arrays("images", "n=50", "truncation=0.5")["z"]).max() <= 0.5 < np.abs(arrays("images", "n=50")["z"]).max()


@pytest.mark.parametrize(("name", "path"), [("images", "spherical"), ("unlabelled", "linear")])
def test_interpolated_rows(arrays, sample, tmp_path, name, path):
    made = arrays(name, f"interpolate={path}", "steps=5", "n=4")
    z = made["z"].reshape(4, 5, 3)
    middle = (z[:, 0] + z[:, 4]) / 2
    assert np.allclose(z[:, 2], middle, atol=1e-6) == (path == "linear")
    assert len(np.unique(z[:, [0, 4]].reshape(8, 3), axis=0)) == 8
    if name == "images":
        assert made["labels"].reshape(4, 5).tolist() == [[k] * 5 for k in range(4)]
    sample(name, f"interpolate={path}", "steps=5", "n=4", "output=grid.png")
    with Image.open(tmp_path / "grid.png") as file:
        assert file.height == 4 * (64 + 2) + 2 and file.width >= 5 * (64 + 2) + 2


def test_a_grid_has_a_row_per_class(sample, tmp_path):
    sample("images", "n=64", "output=all.png")
    sample("images", "n=64", "classes=3", "output=one.png")
    with Image.open(tmp_path / "all.png") as file:
        picture = np.asarray(file.convert("L"))
    assert picture.shape[0] == 10 * (64 + 2) + 2
    # Classes 0 to 3 have seven images, the others six: their last place looks like a gap.
    corner = picture[4 * 66 + 2 :, -64:]
    assert (corner == 96).all() and (picture[2:66, -66:-2] != 96).mean() > 0.9
    with Image.open(tmp_path / "one.png") as file:
        assert file.size == (8 * 66 + 2, 8 * 66 + 2)


@pytest.mark.parametrize("name", ["points", "labelled"])
def test_points_are_drawn_as_the_data_draws_them(sample, tmp_path, name):
    sample(name, "output=points.png")
    with Image.open(tmp_path / "points.png") as file:
        assert file.size == (512, 512)


def test_single_images(sample, arrays, tmp_path):
    sample("codes", "format=png", "n=12", "output=images", "batch_size=5")
    names = sorted(os.listdir(tmp_path / "images"))
    assert names[:3] == ["00000-code_0.png", "00001-code_0.png", "00002-code_1.png"] and len(names) == 12
    expected = arrays("codes", "n=12")["samples"]
    for name, image in zip(names, expected, strict=True):
        with Image.open(tmp_path / "images" / name) as file:
            np.testing.assert_allclose(np.asarray(file) / 127.5 - 1, image[0], rtol=0, atol=0.5 / 127.5 + 1e-5)


def test_neighbours_in_an_archive_and_a_grid(sample, arrays, runs, tmp_path):
    made = arrays("images", "neighbours=3", "n=11", "batch_size=4")
    data = restore(runs["images"]).data
    real = data.decode(data.load("train")[0]).numpy()
    distances = np.sort(np.linalg.norm((made["samples"][:, None] - real).reshape(11, len(real), -1), axis=2), axis=1)
    np.testing.assert_allclose(made["distances"], distances[:, :3], rtol=1e-5)
    gap = np.linalg.norm((real[made["neighbours"]] - made["samples"][:, None]).reshape(11, 3, -1), axis=2)
    np.testing.assert_allclose(gap, made["distances"], rtol=1e-5)
    sample("images", "neighbours=3", "n=2", "output=grid.png")
    with Image.open(tmp_path / "grid.png") as file:
        assert file.width >= 4 * (112 + 2) + 2 and file.height > 2 * 112


def test_neighbours_of_points(arrays):
    made = arrays("points", "neighbours=2", "n=5")
    assert made["neighbours"].shape == made["distances"].shape == (5, 2)


def test_goes_into_the_run_under_a_name_that_tells(trained, sample):
    run = trained(*IMAGES, "model=gan").run.path
    for arguments, name in (
        ((), "grid-00000006.png"),
        (("seed=3", "n=4", "batch_size=2"), "grid-00000006,n=4,seed=3.png"),
        (("format=npz",), "samples-00000006.npz"),
        (("format=png", "n=2"), "images-00000006,n=2"),
        (("export=torch_export", "ema=false"), "generator-00000006,ema=false.pt2"),
    ):
        path, told = sample(str(run), *arguments).split("\n", 1)
        assert Path(path) == run / "generated" / name and Path(path).exists()
        assert "iteration 6" in told or "torch.export.load" in told
    assert not [path for path in (run / "generated").iterdir() if path.name.startswith(".")]


def test_says_what_was_written(sample):
    told = sample("images", "classes=[1,7]", "n=6", "output=a.png", "neighbours=2")
    assert told == "a.png\n6 images, 2 classes, 2 neighbours each; averaged generator at iteration 6, seed 0\n"
    told = sample("unlabelled", "interpolate=linear", "n=2", "steps=3", "output=b.png", "ema=false", "seed=8")
    assert told == "b.png\n2 linear rows of 3 images; generator at iteration 6, seed 8\n"


def test_what_exists_is_replaced_only_when_told(sample, tmp_path):
    sample("images", "format=png", "n=3", "output=images")
    before = sorted((tmp_path / "images").iterdir())
    assert "images exists already (overwrite=true replaces it)" in sample(
        "images", "format=png", "n=2", "output=images", status=2
    )
    assert sorted((tmp_path / "images").iterdir()) == before
    sample("images", "format=png", "n=2", "output=images", "overwrite=true")
    assert len(os.listdir(tmp_path / "images")) == 2


WRONG = [
    ("images", "nn=3 outptu=x.png", "nn=3: ", "there is no such option"),
    ("images", "outptu=x.png", "outptu=x.png: ", r"did you mean output=x.png\?"),
    ("images", "n=0", "n=0: ", "greater than or equal to 1"),
    ("images", "n=many", "n=many: ", "whole number"),
    ("images", "n", "'n' ", "is not of the form key=value"),
    ("images", "seed=-1", "seed=-1: ", "greater than or equal to 0"),
    ("images", "ema=maybe", "ema=maybe: ", "should be true or false"),
    ("images", "format=gif", "format=gif: ", "'grid', 'png' or 'npz'"),
    ("images", "format=png output=x.png neighbours=2", "neighbours=2 format=png: ", "use format=grid or format=npz"),
    ("images", "classes=10", "classes=10: ", "there is no class 10"),
    ("images", "classes=[1,-1]", "classes=[1,-1]: ", "there is no class -1"),
    ("images", "classes=[]", "classes=[]: ", "at least one class"),
    ("images", "classes=2.5", "classes=2.5: ", "should be"),
    ("images", "classes=all n=9", "n=9 classes=all: ", r"10 classes need as many samples \(use n=10\)"),
    ("codes", "classes=cod_2", "classes=cod_2: ", r"did you mean code 2\?"),
    ("labelled", "classes=north", "classes=north: ", r"there is no class north \(they are 0 to 7\)"),
    ("unlabelled", "classes=1", "classes=1: ", r"takes no labels \(leave it out\)"),
    ("points", "format=png", "format=png: ", "points have no images of their own"),
    ("points", "neighbours=2", "neighbours=2 ", "use format=npz"),
    ("images", "neighbours=2000", "neighbours=2000: ", "there are only 1,442 training samples"),
    ("images", "neighbours=2 interpolate=linear", "neighbours=2 interpolate=linear: ", "either"),
    ("images", "steps=4", "steps=4: ", "add interpolate=linear"),
    ("images", "interpolate=linear steps=1", "steps=1: ", "greater than or equal to 2"),
    ("unlabelled", "interpolate=spherical", "interpolate=spherical: ", "use interpolate=linear"),
    ("unlabelled", "truncation=1", "truncation=1: ", "no tail to cut off"),
    ("images", "truncation=0", "truncation=0: ", "greater than or equal to 0.01"),
    ("images", "export=torchscript", "export=torchscript: ", "'none', 'torch_export' or 'onnx'"),
    ("images", "export=torch_export n=3 seed=1", "n=3 seed=1 export=torch_export: ", "exported without samples"),
    ("images", "export=torch_export output=x.pt", "output=x.pt: ", "should end in .pt2"),
    ("images", "output=x.npz", "output=x.npz: ", "should end in .png"),
    ("images", "output=/dev/null/x.png", "output=/dev/null/x.png: ", "/dev/null is not a folder"),
    ("images", "output=/dev/null/x.png run=nowhere", "output=/dev/null/x.png: ", "/dev/null is not a folder"),
    ("images", "data.sise=3", "data.sise=3: ", r"did you mean data.size\?"),
    ("images", "data=3", "data=3: ", "should be a valid dictionary"),
    ("images", "accelerator=tpu", "accelerator=tpu: ", "'auto', 'cpu' or 'gpu'"),
    ("images", "accelerator=gpu", "accelerator=gpu: ", "use accelerator=cpu"),
    ("nowhere", "n=3", "run=nowhere: ", "there is no such directory"),
    (".", "n=3", "run=.: ", "no run directory"),
    ("", "n=3", "run=: ", "a run directory is needed|should be text"),
]


@pytest.mark.parametrize(("name", "line", "start", "says"), WRONG, ids=[f"{name} {line}" for name, line, _, _ in WRONG])
def test_is_told_in_one_message_and_leaves_nothing(sample, runs, monkeypatch, tmp_path, name, line, start, says):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    told = sample(name, *line.split(), status=2)
    (message,) = told.splitlines()
    assert message.startswith(f"ganexp: {start}")
    assert re.search(says, message)
    assert list(tmp_path.iterdir()) == []
    assert not [path for path in runs.values() if (path / "generated").exists()]


def test_help_needs_no_torch():
    code = "import sys; from ganexp.sample.__main__ import main\ntry: main()\nexcept SystemExit as end: print(end.code)\n"
    code += "print([name for name in ('torch', 'lightning', 'numpy') if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(directory().parent)}
    for argument, first, status in (("--help", "python -m ganexp.sample option=value ...", "0"), ("n=0", "2", "2")):
        command = [sys.executable, "-c", code, argument]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        lines = done.stdout.splitlines()
        assert (lines[0], lines[-2], lines[-1]) == (first, status, "[]")


@pytest.mark.slow
def test_module_is_the_command(runs, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(directory().parent)}
    command = [sys.executable, "-m", "ganexp.sample", f"run={runs['images']}", "output=made/grid.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "made" / "grid.png").is_file() and done.stdout.startswith("made/grid.png\n64 images, 10 classes; ")
