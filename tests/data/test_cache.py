import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from ganexp.data import Batches, ImageFolder
from support.image_files import BLUE, RED, colours, only, save
from support.refused import refused


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/ganexp/folders"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


def test_a_warm_cache_opens_no_image(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder / "a/0.png")
    save(folder / "b/0.png", BLUE)
    ImageFolder(str(folder), size=4).prepare()
    monkeypatch.setattr(Image, "open", None)
    opened, plain = [], Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, *arguments, **options: opened.append(path) or plain(path, *arguments, **options)
    )
    again = ImageFolder(str(folder), size=4)
    again.prepare()
    assert colours(again.load("train")[0]) == [RED, BLUE] and not [path for path in opened if path.suffix == ".png"]


def test_other_files_sizes_and_colours_are_decoded_anew(folder: Path, cache: Path) -> None:
    save(folder / "a.png", (10, 10, 10))
    assert colours(only(folder)[None]) == [(10, 10, 10)]
    assert only(folder, size=5).shape == (3, 5, 5) and only(folder, colour="grey").shape == (1, 4, 4)
    assert len(list(cache.glob("*.npy"))) == 3
    assert colours(only(folder)[None]) == [(10, 10, 10)] and len(list(cache.glob("*.npy"))) == 3
    save(folder / "a.png", (20, 20, 20))
    os.utime(folder / "a.png", ns=(0, 0))
    assert colours(only(folder)[None]) == [(20, 20, 20)]
    save(folder / "b.png", (30, 30, 30))
    assert len(ImageFolder(str(folder), size=4).load("train")[0]) == 2


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", "cut"])
def test_a_damaged_cache_is_made_anew(folder: Path, cache: Path, damage: Any) -> None:
    save(folder / "a.png")
    whole = only(folder).clone()
    (file,) = cache.glob("*.npy")
    file.write_bytes(file.read_bytes()[:-1] if damage == "cut" else damage)
    assert torch.equal(only(folder), whole)
    assert list(cache.glob("*.npy")) == [file]


def test_two_at_once_do_each_other_no_harm(folder: Path, cache: Path) -> None:
    for index in range(40):
        save(folder / f"{index:02}.png", (index, 0, 0))
    results: list[torch.Tensor] = []
    threads = [
        threading.Thread(target=lambda: results.append(ImageFolder(str(folder), size=4, held_out=None).load("train")[0]))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [red for red, _, _ in colours(results[0])] == list(range(40))
    assert all(torch.equal(result, results[0]) for result in results) and len(results) == 3
    assert len(list(cache.glob("*.npy"))) == 1


def test_a_cache_that_cannot_be_written_is_refused(folder: Path, cache: Path) -> None:
    save(folder / "a.png")
    cache.parent.mkdir(parents=True)
    cache.touch()
    with refused("data") as caught:
        ImageFolder(str(folder)).prepare()
    assert "XDG_CACHE_HOME" in str(caught.value) and "\n" not in str(caught.value)


def test_the_number_of_workers_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for index in range(100):
        save(folder / f"{index:02}.png", (index, 0, 0))
    images = []
    for workers in (1, 3):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"{workers}"))
        images.append(ImageFolder(str(folder), size=4, workers=workers).load("train")[0])
    assert len(images[0]) == 90 and torch.equal(images[0], images[1])


def test_batches_are_drawn_from_the_map(folder: Path, cache: Path) -> None:
    for index in range(10):
        save(folder / f"{index}.png", (25 * index, 0, 0))
    data = ImageFolder(str(folder), size=4, held_out=None, subset=8, value_range=(0, 1))
    images, labels = data.load("train")
    batches = Batches(images, labels, data.decode, 4, True, seed=0).take(0, 2)
    seen = sorted(round(255 * float(x)) for batch, _ in batches for x in batch[:, 0, 0, 0])
    assert seen == [25 * index for index in range(8)]
    if sys.platform == "linux":
        assert str(next(cache.glob("*.npy"))) in Path("/proc/self/maps").read_text()
