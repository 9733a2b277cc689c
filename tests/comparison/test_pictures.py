"""Pictures of runs, small enough for a page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ganexp.comparison.collect import Outcome, collect
from ganexp.comparison.pictures import BYTES, WIDTH, embedded, latents, newest
from support.made_runs import make_run, summary


def save(path, width, height=None, noise=False):
    shape = (height or width, width, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape) if noise else np.full(shape, 7)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def opened(uri):
    kind, _, content = uri.partition(";base64,")
    return kind, Image.open(io.BytesIO(base64.b64decode(content)))


def test_the_newest_picture_is_the_final_one(tmp_path):
    assert newest(tmp_path) is None
    for name in ("00000010", "00000200"):
        save(tmp_path / "samples" / f"{name}.png", 8)
    assert newest(tmp_path).name == "00000200.png"
    save(tmp_path / "final.png", 8)
    assert newest(tmp_path).name == "final.png"


def test_a_small_picture_stays_as_it_is(tmp_path):
    file = save(tmp_path / "a.png", 80)
    assert base64.b64decode(embedded(file.parent, file).removeprefix("data:image/png;base64,")) == file.read_bytes()


@pytest.mark.parametrize(("width", "height"), [(1000, 500), (401, 3), (300, 300)])
def test_a_large_picture_is_shrunk_and_packed(tmp_path, width, height):
    file = save(tmp_path / "a.png", width, height, noise=True)
    uri = embedded(file.parent, file)
    kind, picture = opened(uri)
    assert kind == "data:image/webp" or file.stat().st_size <= BYTES
    assert len(uri) < 62_000
    assert picture.width == min(width, WIDTH)
    assert picture.height == max(1, round(height * picture.width / width))


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_a_damaged_picture_is_none(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert embedded(tmp_path, tmp_path / "a.png") is None


def test_equal_latents_have_equal_keys(tmp_path):
    overrides = {"a": [], "b": ["seed=1", "loss=hinge"], "c": ["model.latent_dim=5"], "d": ["callbacks.samples.columns=7"]}
    for name, given in overrides.items():
        make_run(tmp_path, *given, name=name, content=summary(device="cuda" if name == "d" else "cpu (x86_64)"))
    runs = {outcome.directory.name: outcome for outcome in collect([str(tmp_path)]).outcomes}
    keys = {name: latents(runs[name], tmp_path / "final.png") for name in overrides}
    assert keys["a"] == keys["b"]
    assert len(set(keys.values())) == 3
    assert latents(runs["a"], tmp_path / "samples" / "1.png") != keys["a"]
    assert latents(Outcome(tmp_path), tmp_path / "final.png") is None
