"""Data sets of the package `datasets`, from folders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganexp.data import HuggingFace
from support.refused import refused

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    datasets.disable_progress_bars()


def made(count: int, **more: Any) -> Any:
    """Return a split of grey images whose brightness is 10 times their number."""
    images = [Image.fromarray(np.full((8, 8), 10 * index, np.uint8)) for index in range(count)]
    columns = {
        "picture": images, "kind": [index % 3 for index in range(count)], "word": ["abc"[index % 3] for index in range(count)],
        "light": [10 * index for index in range(count)], "even": [index % 2 == 0 for index in range(count)],
    }  # fmt: skip
    features = datasets.Features(
        picture=datasets.Image(), kind=datasets.ClassLabel(names=["x", "y", "z"]), word=datasets.Value("string"),
        light=datasets.Value("int64"), even=datasets.Value("bool"),
    )  # fmt: skip
    return datasets.Dataset.from_dict(columns | more, features=features)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with 20 images for training, 4 for validation and 5 for something else."""
    splits = datasets.DatasetDict(train=made(20), validation=made(4), other=made(5))
    splits.save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "saved"


def load(path: Path, **options: Any) -> HuggingFace:
    data = HuggingFace(str(path), **{"size": 4, "colour": "grey", **options})
    data.prepare()
    return data


def test_columns_and_splits_are_found_by_what_they_are(saved: Path) -> None:
    data = load(saved)
    (images, y), (test, test_y) = data.load("train"), data.load("test")
    assert images[:, 0, 0, 0].tolist() == [10 * index for index in range(20)] and test[:, 0, 0, 0].tolist() == [0, 10, 20, 30]
    assert data.class_names == ("x", "y", "z") and y.tolist() == [index % 3 for index in range(20)]
    assert test_y.tolist() == [0, 1, 2, 0] and data.class_weights == (7, 7, 6)
    assert "3 classes (x 9, y 8, z 7)" in str(data.found)
    again = load(saved)
    assert again.fingerprint == data.fingerprint != load(saved, label="word").fingerprint
    other = load(saved, train="other", test="train")
    assert (len(other.load("train")[0]), len(other.load("test")[0])) == (5, 20)


def test_classes_may_be_words_or_numbers_and_attributes_anything(saved: Path) -> None:
    assert load(saved, label="word").class_names == ("a", "b", "c")
    data = load(saved, attributes=["light", "even", "word"])
    assert data.attributes.names == ("light", "even", "word=a", "word=b", "word=c") and data.num_classes == 0
    values = data.attributes.decode(data.load("train")[1])
    assert values[3].round(decimals=3).tolist() == [30, 0, 1, 0, 0] and len(data.load("test")[1]) == 4


def test_a_part_is_held_out_where_no_split_is(tmp_path: Path) -> None:
    made(12).save_to_disk(str(tmp_path / "one"))
    data = load(tmp_path / "one", held_out=4)
    assert data.load("test")[0][:, 0, 0, 0].tolist() == [90, 100, 110] and len(data.load("train")[0]) == 9
    assert data.load("test")[1].tolist() == [0, 1, 2] and data.class_weights == (3, 3, 3)
    alone = load(tmp_path / "one", held_out=None, subset=5)
    assert (len(alone.load("train")[0]), len(alone.load("test")[0])) == (5, 12)


@pytest.mark.parametrize("column", ["kind", "word"])
def test_every_class_is_divided_whatever_its_order(tmp_path: Path, column: str) -> None:
    """Of sorted images, or ones whose class repeats with the interval, a part of each class is held out, and none wholly."""
    sizes = [9, 6, 1]
    kinds = [kind for kind, size in enumerate(sizes) for _ in range(size)]
    made(16, kind=kinds, word=["abc"[kind] for kind in kinds]).save_to_disk(str(tmp_path / "sorted"))
    data = load(tmp_path / "sorted", label=column, held_out=3)
    assert data.load("train")[1].bincount().tolist() == [6, 4, 1] and data.load("test")[1].bincount().tolist() == [3, 2]
    assert data.load("test")[0][:, 0, 0, 0].tolist() == [20, 50, 80, 110, 140]
    made(12).save_to_disk(str(tmp_path / "turns"))
    turns = load(tmp_path / "turns", label=column, held_out=3)
    assert turns.load("train")[1].bincount().tolist() == [3, 3, 3] and turns.load("test")[1].tolist() == [0, 1, 2]
    whole = load(tmp_path / "turns", attributes=["light"], held_out=3)
    assert whole.load("test")[0][:, 0, 0, 0].tolist() == [20, 50, 80, 110], "without classes, of all"


def test_a_folder_of_files_is_read_as_datasets_does(tmp_path: Path) -> None:
    for split, count in (("train", 6), ("test", 2)):
        for kind in ("cat", "dog"):
            for index in range(count):
                place = tmp_path / f"files/{split}/{kind}"
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((8, 8), 10 * index, np.uint8)).save(place / f"{index}.png")
    data = load(tmp_path / "files")
    assert data.class_names == ("cat", "dog") and [len(data.load(split)[0]) for split in ("train", "test")] == [12, 4]


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"train": "trian"}, ("data.train",)),
        ({"test": "nowhere"}, ("data.test",)),
        ({"image": "light"}, ("data.image",)),
        ({"image": "pictures"}, ("data.image",)),
        ({"label": "kinds"}, ("data.label",)),
        ({"attributes": ["nothing"]}, ("data.attributes",)),
        ({"attributes": ["light"], "label": "kind"}, ("data.label", "data.attributes")),
    ],
)
def test_columns_and_splits_that_are_not_there_are_refused(saved: Path, options: dict[str, Any], keys: tuple[str, ...]) -> None:
    with refused(*keys):
        load(saved, **options)


def test_what_cannot_be_loaded_is_refused(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    with refused("data.path"):
        load(tmp_path / "empty")
    made(4, kind=[0, 1, None, 2]).save_to_disk(str(tmp_path / "unknown"))
    with refused("data.label"):
        load(tmp_path / "unknown")
    datasets.Dataset.from_dict({"x": [1, 2]}).save_to_disk(str(tmp_path / "numbers"))
    with refused("data.image"):
        load(tmp_path / "numbers")
    broken = made(3, picture=[{"bytes": b"no image", "path": None}] * 3)
    broken.save_to_disk(str(tmp_path / "broken"))
    with refused("data.path") as caught:
        load(tmp_path / "broken")
    assert "train/0" in caught.value.message
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with refused("data") as caught:
        load(saved)
    assert "ganexp[datasets]" in caught.value.hint
