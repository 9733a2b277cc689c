"""Attributes in place of a class: cgan trains on them, whatever the network; what needs a class refuses them."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.metrics import Reference
from ganexp.metrics.measurement import generate
from ganexp.runs.checkpoint import last_good
from support.crashes import whole_and_resumed
from support.refused import refused
from support.tiny import CONVOLUTIONS, TINY_MLP

FEW = ("data.batch_size=4", "metrics=none")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Squares whose brightness is a number, and which are framed or not."""
    place = tmp_path_factory.mktemp("attributes")
    (place / "images").mkdir()
    rows = ["file,light,framed"]
    for index in range(24):
        light, framed = 40 + 8 * index, index % 2
        pixels = np.full((32, 32), light, np.uint8)
        if framed:
            pixels[:4] = pixels[-4:] = 255
        Image.fromarray(pixels).save(place / f"images/{index:02d}.png")
        rows.append(f"{index:02d}.png,{light},{framed}")
    (place / "attributes.csv").write_text("\n".join(rows))
    return place


@pytest.fixture
def options(folder):
    """Return a function that gives the options of the data with images of a size."""

    def make(size: int = 8) -> tuple[str, ...]:
        where = (f"data.path={folder / 'images'}", f"data.labels={folder / 'attributes.csv'}")
        return ("data=folder", "data.colour=grey", f"data.size={size}", *where, *FEW)

    return make


@pytest.mark.parametrize(
    ("network", "size"), [("mlp", 8), ("dcgan", 8), ("resnet", 28), ("biggan", 28), ("stylegan2", 8), ("r3gan", 8)]
)
def test_players_take_vectors_of_attributes(ready, options, network, size):
    small = TINY_MLP if network == "mlp" else CONVOLUTIONS
    more = [f"network.{player}.attention=14" for player in ("generator", "discriminator") if network == "biggan"]
    model = ready(*options(size), "model=cgan", "model.latent_dim=8", f"network={network}", *small, *more).model
    assert (model.label_classes, model.label_size, model.judged_classes) == (0, 3, 3)
    z = model.sample_latent(4, torch.Generator().manual_seed(0))
    y = model.data.attributes.encode(torch.tensor([[40.0, 0], [40, 0], [200, 0], [40, 1]]))
    # In training mode: weights that have just been drawn have no statistics to be normalised by.
    fakes = model.generate(model.generator, z[:1].expand(4, -1), y)
    if network in ("mlp", "dcgan"):
        torch.testing.assert_close(fakes[0], fakes[1])
        assert (fakes[2:] - fakes[0]).abs().amax((1, 2, 3)).min() > 1e-3
    logits = model.critic(torch.randn(1, *model.data.shape).expand(4, -1, -1, -1), y)
    assert logits.shape == (4,) and logits.isfinite().all()
    assert not torch.equal(logits[0], logits[2]) and not torch.equal(logits[0], logits[3])


@pytest.mark.parametrize("model", ["cgan_projection", "cgan_class", "acgan", "contragan", "reacgan", "ssgan"])
def test_models_that_need_a_class_refuse_attributes(ready, options, model):
    with refused("model", "data") as caught:
        ready(*options(), f"model={model}", "network=mlp")
    assert "light, framed" in caught.value.message


def test_a_run_on_attributes_resumes_exactly_and_shows_them_in_rows(ready, options):
    overrides = (*options(), "model=cgan", "network=mlp", *TINY_MLP, "callbacks.checkpoints.every=2", "metrics=images")
    overrides = (*overrides, "callbacks.evaluation.times=1", "callbacks.evaluation.samples=20", "callbacks.samples.columns=3")
    whole, resumed = whole_and_resumed(ready, *overrides, at=5)
    a, b = (last_good(run).weights for run in (whole.run, resumed.run))
    assert all(torch.equal(a[name], b[name]) for name in a if isinstance(a[name], torch.Tensor))
    assert whole.run.samples[-1].read_bytes() == resumed.run.samples[-1].read_bytes()
    assert "fid" in whole.run.summary.metrics and "label_accuracy" not in whole.run.summary.metrics


def test_what_is_measured_has_the_attributes_of_the_data_and_no_classes(ready, options):
    model = ready(*options(), "model=cgan", "network=mlp").model
    y = model.sample_labels(50, torch.Generator().manual_seed(0))
    known = {tuple(row) for row in model.data.conditions().tolist()}
    assert {tuple(row) for row in y.tolist()} <= known and len(y.unique(dim=0)) > 10
    assert generate(model, Reference(model.data), 10, 0, 5).y is None


def test_a_model_without_labels_ignores_them(ready, options):
    model = ready(*options(), "model=gan", *TINY_MLP).model
    assert model.label_size == 0 and model.sample_labels(3).tolist() == [0, 0, 0]
