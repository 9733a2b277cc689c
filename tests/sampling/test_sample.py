"""Samples from a run, through the real command line."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.sampling.labels import choose_classes
from ganexp.sampling.program import main
from ganexp.training.restore import restore
from support.program import Program, loaded, run_module
from support.refused import refused
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

IMAGES = (*TINY_IMAGES, *TINY_MLP, "network=mlp", "optimizer.lr=0.01", "schedule.ema_decay=0.5", "schedule.ema_warmup=false")
RUNS = {
    "points": TINY_RING,
    "labelled": (*TINY_RING, "model=cgan", "network=mlp"),
    "images": (*IMAGES, "model=cgan"),
    "codes": (*IMAGES, "model=infogan"),
    "unlabelled": (*IMAGES, "model=ssgan", "model.labels=20", "model.noise=uniform"),
}


@pytest.fixture
def runs(shared_run) -> dict[str, Path]:
    """Return the folders of trained runs that no test changes."""
    return {name: shared_run(*overrides) for name, overrides in RUNS.items()}


@pytest.fixture
def program(monkeypatch, capsys) -> Program:
    return Program(main, monkeypatch, capsys)


@pytest.fixture
def sample(runs, program, monkeypatch, tmp_path):
    """Return a function that runs the command line for one of the runs, in an empty folder, and returns what it printed."""
    monkeypatch.chdir(tmp_path)
    return lambda name, *arguments: program(f"run={runs[name]}", *arguments)[0]


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
def test_classes_are_chosen_by_name_and_number(arrays, name, classes, expected):
    assert arrays(name, f"classes={classes}", f"n={len(expected)}")["labels"].tolist() == expected


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        (("1", "2", "3"), "1", [0]),
        (("1", "2", "3"), "0", None),
        (("3", "5", "8"), ["8", "3"], [2, 0]),
        (("3", "5", "8"), "2", None),
        (("no", "yes"), "no", [0]),
        (("no", "yes"), "1", [1]),
        (("null", "all"), "all", [1]),
        (("null", "all"), ["null"], [0]),
        (("cat", "dog"), "all", [0, 1]),
        (("cat", "dog"), None, [0, 1]),
        (("007", "7"), "7", [1]),
        (("Gro\u0308\u00dfe", "x"), "Gr\u00f6\u00dfe", [0]),
        (None, ["2", "0"], [2, 0]),
        (None, "3", None),
    ],
)
def test_a_name_wins_over_a_number(names, wanted, chosen):
    model = SimpleNamespace(label_names=names, label_classes=len(names) if names else 3)
    if chosen is None:
        with refused("classes"):
            choose_classes(model, wanted)
    else:
        assert choose_classes(model, wanted) == chosen


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


def test_goes_into_the_run_under_a_name_that_says_how_it_was_made(trained, program):
    run = trained(*IMAGES, "model=gan").run.path
    for arguments, name in (
        ((), "grid-00000006.png"),
        (("seed=3", "n=4", "batch_size=2"), "grid-00000006,n=4,seed=3.png"),
        (("format=npz",), "samples-00000006.npz"),
        (("format=png", "n=2"), "images-00000006,n=2"),
        (("export=torch_export", "ema=false"), "generator-00000006,ema=false.pt2"),
    ):
        path, summary = program(f"run={run}", *arguments)[0].split("\n", 1)
        assert Path(path) == run / "generated" / name and Path(path).exists()
        assert "iteration 6" in summary or "torch.export.load" in summary
    assert not [path for path in (run / "generated").iterdir() if path.name.startswith(".")]


def test_says_what_was_written(sample):
    summary = sample("images", "classes=[1,7]", "n=6", "output=a.png", "neighbours=2")
    assert summary == "a.png\n6 images, 2 classes, 2 neighbours each; averaged generator at iteration 6, seed 0\n"
    summary = sample("unlabelled", "interpolate=linear", "n=2", "steps=3", "output=b.png", "ema=false", "seed=8")
    assert summary == "b.png\n2 linear rows of 3 images; generator at iteration 6, seed 8\n"


def test_what_exists_is_replaced_only_on_request(sample, program, runs, tmp_path):
    arguments = ("format=png", "output=images")
    sample("images", *arguments, "n=3")
    before = sorted((tmp_path / "images").iterdir())
    assert program.refuse(f"run={runs['images']}", *arguments, "n=2").startswith("output=images: ")
    assert sorted((tmp_path / "images").iterdir()) == before
    sample("images", *arguments, "n=2", "overwrite=true")
    assert len(os.listdir(tmp_path / "images")) == 2


WRONG = [
    ("images", "outptu=x.png", "outptu=x.png: "),
    ("images", "n=0", "n=0: "),
    ("images", "format=png output=x.png neighbours=2", "neighbours=2 format=png: "),
    ("images", "classes=10", "classes=10: "),
    ("images", "classes=[1,-1]", "classes=[1,-1]: "),
    ("images", "classes=[]", "classes=[]: "),
    ("images", "classes=2.5", "classes=2.5: "),
    ("images", "classes=all n=9", "n=9 classes=all: "),
    ("codes", "classes=cod_2", "classes=cod_2: "),
    ("labelled", "classes=north", "classes=north: "),
    ("unlabelled", "classes=1", "classes=1: "),
    ("points", "format=png", "format=png: "),
    ("points", "neighbours=2", "neighbours=2 "),
    ("images", "neighbours=2000", "neighbours=2000: "),
    ("images", "neighbours=2 interpolate=linear", "interpolate=linear neighbours=2: "),
    ("images", "mix=[3]", "mix=[3]: "),
    ("images", "mix=[3,11]", "mix=[3,11]: "),
    ("unlabelled", "mix=[3,4]", "mix=[3,4]: "),
    ("images", "mix=[3,4] classes=3", "classes=3 mix=[3,4]: "),
    ("images", "mix=[3,4] sweep_latent=2", "mix=[3,4] sweep_latent=2: "),
    ("images", "sweep_latent=4", "sweep_latent=4: "),
    ("images", "sweep_latent=2 n=3", "n=3 sweep_latent=2: "),
    ("images", "sweep_latent=-1", "sweep_latent=-1: "),
    ("images", "reach=2.5", "reach=2.5: "),
    ("images", "conditions.smile=1", "conditions.smile=1: "),
    ("points", "conditions.smile=1", "conditions.smile=1: "),
    ("points", "project=nowhere", "project=nowhere data: "),
    ("images", "project=nowhere", "project=nowhere: "),
    ("images", "iterations=5", "iterations=5: "),
    ("images", "project=nowhere n=5", "n=5 project=nowhere: "),
    ("images", "project=nowhere format=png output=x", "project=nowhere format=png: "),
    ("images", "steps=4", "steps=4: "),
    ("images", "interpolate=linear steps=1", "steps=1: "),
    ("unlabelled", "interpolate=spherical", "interpolate=spherical: "),
    ("unlabelled", "truncation=1", "truncation=1: "),
    ("images", "truncation=0", "truncation=0: "),
    ("images", "export=torch_export n=3 seed=1", "n=3 seed=1 export=torch_export: "),
    ("images", "export=torch_export output=x.pt", "output=x.pt: "),
    ("images", "output=/dev/null/x.png", "output=/dev/null/x.png: "),
    ("images", "output=/dev/null/x.png run=nowhere", "output=/dev/null/x.png: "),
    ("images", "data.sise=3", "data.sise=3: "),
    ("images", "accelerator=gpu", "accelerator=gpu: "),
    ("images", "run=nowhere", "run=nowhere: "),
    ("images", "run=.", "run=.: "),
]


def test_a_refusal_is_one_message_and_leaves_nothing(program, runs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    for name, line, start in WRONG:
        assert program.refuse(f"run={runs[name]}", *line.split()).startswith(start), line
    assert list(tmp_path.iterdir()) == []
    assert not [path for path in runs.values() if (path / "generated").exists()]


def test_options_are_read_without_torch():
    assert loaded("ganexp.sampling", "n=0")[1:] == ("2", [])


@pytest.mark.slow
def test_module_is_the_command(runs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = run_module("ganexp.sample", f"run={runs['images']}", "output=made/grid.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "made" / "grid.png").is_file() and done.stdout.startswith("made/grid.png\n64 images, 10 classes; ")
