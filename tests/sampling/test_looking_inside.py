"""Rows that show what a generator has learnt: between classes, along directions, by attributes, and the nearest to an image."""

import numpy as np
import pytest
import torch
from PIL import Image

import ganexp
from ganexp.sampling.directions import directions
from ganexp.sampling.program import main
from ganexp.training.restore import restore
from support.program import Program
from support.refused import refused
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

CLASSES = (*TINY_IMAGES, *TINY_MLP, "network=mlp", "model=cgan", "schedule.ema_decay=0.5")


@pytest.fixture
def program(monkeypatch, capsys, tmp_path) -> Program:
    monkeypatch.chdir(tmp_path)
    return Program(main, monkeypatch, capsys)


@pytest.fixture
def attributed(shared_run, tmp_path_factory):
    """A run on images with a number, something that they have or not, and a column of text."""
    place = tmp_path_factory.getbasetemp() / "attributed"
    if not place.exists():
        (place / "images").mkdir(parents=True)
        rows = ["file,light,framed,kind"]
        for index in range(20):
            Image.fromarray(np.full((8, 8), 10 * index, np.uint8)).save(place / f"images/{index:02d}.png")
            rows.append(f"{index:02d}.png,{10 * index},{index % 2},{'abc'[index % 3]}")
        (place / "labels.csv").write_text("\n".join(rows))
    data = ("data=folder", f"data.path={place / 'images'}", f"data.labels={place / 'labels.csv'}", "data.colour=grey")
    return shared_run(*data, "data.size=8", "data.batch_size=4", "metrics=none", "model=cgan", "network=mlp", *TINY_MLP)


def load(program, run, *options) -> dict[str, np.ndarray]:
    program(f"run={run}", "format=npz", "output=made.npz", "overwrite=true", *options)
    with np.load("made.npz") as archive:
        return dict(archive)


def test_a_mixture_goes_from_one_class_to_the_other_at_one_latent(program, shared_run):
    run = shared_run(*CLASSES)
    made = load(program, run, "mix=[3,7]", "n=2", "steps=5")
    z, labels = made["z"].reshape(2, 5, -1), made["labels"].reshape(2, 5, 10)
    assert (z == z[:, :1]).all() and not (z[0] == z[1]).all()
    assert labels[0].argmax(1)[[0, -1]].tolist() == [3, 7]
    np.testing.assert_allclose(labels[1, 2], np.eye(10)[[3, 7]].mean(0))
    model = restore(run).model
    ends = model.sample(torch.from_numpy(z[:, 0]), torch.tensor([3, 3]))
    np.testing.assert_allclose(made["samples"][[0, 5]], ends.numpy(), rtol=0, atol=1e-6)
    out, _ = program(f"run={run}", "mix=[3,7]", "n=2", "output=rows.png")
    with Image.open("rows.png") as picture:
        assert "from 3 to 7" in out and picture.width > 2 * picture.height


class Linear(torch.nn.Module):
    """A generator whose first two latents have an effect, the second a larger one, and its class a larger one still."""

    def forward(self, z, y):
        x = torch.zeros(len(z), 64)
        x[:, 0], x[:, 1] = 0.1 * z[:, 0], 0.3 * z[:, 1]
        return (x + 5 * y[:, :1]).view(-1, 1, 8, 8)


def test_directions_are_those_with_the_largest_effect_within_a_class(shared_run):
    model = restore(shared_run(*CLASSES, "model.latent_dim=5")).model
    model.generator, model.average = Linear(), None
    found, shares = directions(model, 3, torch.arange(10), torch.Generator().manual_seed(0))
    torch.testing.assert_close(found[:2].abs(), torch.eye(5)[[1, 0]], rtol=0, atol=0.05)
    torch.testing.assert_close(shares, torch.tensor([0.9, 0.1, 0]), rtol=0, atol=0.02)
    assert found.norm(dim=1).allclose(torch.ones(3)) and (found.gather(1, found.abs().argmax(1, keepdim=True)) > 0).all()
    with refused("sweep_latent"):
        directions(model, 6, torch.arange(10), torch.Generator())


@pytest.mark.parametrize(("classes", "rows"), [([], 2), (["classes=[3,7]"], 4)])
def test_a_sweep_moves_one_latent_along_directions(program, shared_run, classes, rows):
    run = shared_run(*CLASSES)
    made = load(program, run, "sweep_latent=2", "steps=5", "reach=3", *classes)
    z = made["z"].reshape(rows, 5, -1)
    np.testing.assert_allclose(z[:, 2], np.broadcast_to(z[0, 2], (rows, 3)), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(z[:, -1] - z[:, 0], axis=1), 6, rtol=1e-5)
    assert np.unique(made["labels"]).tolist() == ([3, 7] if classes else [0])
    program(f"run={run}", "sweep_latent=2", "output=rows.png", *classes)


def test_points_are_moved_too(program, shared_run):
    assert load(program, shared_run(*TINY_RING), "sweep_latent=1", "steps=4")["samples"].shape == (4, 2)


def test_values_of_attributes_are_what_is_asked_for_and_the_rest_is_as_in_the_data(program, attributed):
    made = load(program, attributed, "n=6", "conditions.framed=1", "conditions.light=55.5")
    names = made["condition_names"].tolist()
    assert names == ["light", "framed", "kind=a", "kind=b", "kind=c"] and made["conditions"].shape == (6, 5)
    np.testing.assert_allclose(made["conditions"][:, :2], [[55.5, 1]] * 6, rtol=1e-5)
    kinds = made["conditions"][:, 2:]
    assert (kinds.sum(1) == 1).all() and len(np.unique(kinds, axis=0)) > 1
    made = load(program, attributed, "n=2", "conditions.kind=b", "conditions.light=[10,20,30]")
    assert made["conditions"][:, 2:].tolist() == [[0, 1, 0]] * 6
    np.testing.assert_allclose(made["conditions"][:, 0], [10, 20, 30] * 2, rtol=1e-5)
    assert (made["z"][0] == made["z"][2]).all() and not (made["z"][0] == made["z"][3]).all()
    assert "2 rows of 3" in program(f"run={attributed}", "n=2", "conditions.light=[10,20,30]", "output=rows.png")[0]
    program(f"run={attributed}", "n=2", "interpolate=linear", "conditions.framed=1", "output=between.png")
    program(f"run={attributed}", "sweep_latent=2", "conditions.framed=1", "output=directions.png")


@pytest.mark.parametrize(
    "option",
    ["lite=3", "light=bright", "light=.nan", "kind=d", "light=[]", "light=[1,x]", "light=[1] conditions.framed=[0,1]"],
)
def test_attributes_that_are_none_are_refused(program, attributed, option):
    assert program.refuse(f"run={attributed}", *f"conditions.{option}".split()).startswith("conditions.l") or "kind" in option


def test_attributes_from_python(attributed):
    model = ganexp.load(attributed)
    assert model.conditions == ("light", "framed", "kind=a", "kind=b", "kind=c") and model.classes == ()
    x = model.sample(3, conditions={"light": 50, "kind": "a"})
    values = model.data.attributes.decode(model.labels(3))
    assert x.shape == (3, 1, 8, 8) and values.shape == (3, 5)
    assert model.discriminate(x, values).shape == (3,)
    for wrong in (None, "a", torch.zeros(3, dtype=torch.int64)):
        with refused("classes"):
            model.discriminate(x, wrong)


def test_an_exported_generator_takes_the_values_of_attributes(program, attributed):
    program(f"run={attributed}", "export=torch_export", "output=g.pt2")
    model, values = ganexp.load(attributed), torch.tensor([[50.0, 1, 0, 1, 0]] * 3)
    z = torch.randn(3, 3)
    exported = torch.export.load("g.pt2").module()(z, values)
    torch.testing.assert_close(exported, model.module.sample(z, model.data.attributes.encode(values)))


@pytest.mark.parametrize("noise", ["normal", "uniform", "mixture"])
def test_the_nearest_sample_to_what_a_generator_made_is_near(program, shared_run, tmp_path, noise):
    run = shared_run(*CLASSES, f"model.noise={noise}", "data.value_range=[0,1]")
    program(f"run={run}", "n=4", "format=png", "output=images", "seed=7")
    made = load(program, run, "project=images", "iterations=150")
    assert made["images"].shape == made["samples"].shape == (4, 1, 8, 8) and made["z"].shape == (4, 3)
    apart = np.sqrt(np.square(made["images"] - made["samples"]).mean((1, 2, 3)))
    np.testing.assert_allclose(made["distances"], apart, atol=1e-5)
    assert made["distances"].max() < 0.1 and np.abs(made["z"]).max() <= (1 if noise == "uniform" else 6)
    assert [str(name) for name in made["names"]] == sorted(path.name for path in (tmp_path / "images").iterdir())
    again = load(program, run, "project=images", "iterations=150")
    assert all(np.array_equal(made[name], again[name]) for name in made)
    fixed = load(program, run, "project=images", "iterations=2", "classes=[3]")
    assert fixed["labels"].tolist() == [3] * 4 and fixed["distances"].mean() >= made["distances"].mean()
    out, _ = program(f"run={run}", "project=images", "iterations=2", "output=beside.png")
    assert "the nearest samples to 4 images" in out


def test_images_that_cannot_be_read_are_refused(program, attributed, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.png").write_text("no image")
    assert "a.png" in program.refuse(f"run={attributed}", "project=x")
