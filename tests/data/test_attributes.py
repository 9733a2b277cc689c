"""Tables beside a folder: attributes and numbers as vectors, or classes."""

from pathlib import Path

import pytest
import torch

from ganexp.data import ImageFolder
from ganexp.data.attributes import Attributes
from support.image_files import save
from support.refused import refused

HEAD = "file,smile,age,hair"
ROWS = [f"{name}.png,{smile},{age},{hair}" for name, smile, age, hair in (
    ("a", 0, 20, "red"), ("b", 1, 30, "blond"), ("c", 1, 40, "red"), ("d", 0, 50, "black"),
)]  # fmt: skip


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index, name in enumerate("abcd"):
        save(tmp_path / "x" / f"{name}.png", (index, index, index))
    return tmp_path / "x"


def table(folder: Path, *lines: str) -> str:
    path = folder.parent / "labels.csv"
    path.write_text("\n".join(lines))
    return str(path)


def test_numbers_are_scaled_by_the_training_images_and_text_becomes_zeros_and_ones(folder: Path) -> None:
    data = ImageFolder(str(folder), size=4, held_out=None, labels=table(folder, HEAD, *ROWS))
    assert data.attributes.names == ("smile", "age", "hair=black", "hair=blond", "hair=red")
    images, vectors = data.load("train")
    assert vectors.dtype == torch.float32 and torch.equal(data.conditions(), vectors)
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 3], "the images stay beside their rows"
    assert vectors[:, 0].tolist() == [1] * 4 and vectors[:, 1].tolist() == [0, 1, 1, 0]
    torch.testing.assert_close(vectors[:, 2], (torch.tensor([20.0, 30, 40, 50]) - 35) / 125**0.5)
    assert vectors[:, 3:].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    torch.testing.assert_close(data.attributes.decode(vectors)[:, 1], torch.tensor([20.0, 30, 40, 50]))
    assert (data.num_classes, data.class_names, len(data.attributes.names) + 1) == (0, None, data.attributes.size)
    assert "5 attributes (smile, age, hair=black" in str(data.found) and data.found.classes == {}


def test_two_values_are_no_and_yes_whatever_they_are_and_one_value_is_nothing() -> None:
    found = Attributes.of(["either", "same"], torch.tensor([[-1.0, 7], [1, 7], [1, 7]]))
    assert found.encode(torch.tensor([[-1.0, 7], [1, 7]])).tolist() == [[1, 0, 0], [1, 1, 0]]


def test_one_column_of_text_is_the_class(folder: Path) -> None:
    data = ImageFolder(
        str(folder),
        size=4,
        held_out=None,
        labels=table(folder, "f,hair", *(f"{n}.png,{c}" for n, c in zip("abcd", "yxxx", strict=True))),
    )
    assert (data.class_names, data.attributes, data.class_weights) == (("x", "y"), None, (3, 1))
    images, labels = data.load("train")
    assert dict(zip(images[:, 0, 0, 0].tolist(), labels.tolist(), strict=True)) == {0: 1, 1: 0, 2: 0, 3: 0}
    assert data.found.classes == {"x": 3, "y": 1}


def test_held_out_images_have_their_rows_too_and_rows_without_an_image_are_counted(folder: Path) -> None:
    data = ImageFolder(str(folder), size=4, held_out=2, labels=table(folder, HEAD, *ROWS, "other.png,1,20,red"))
    assert (len(data.load("train")[1]), len(data.load("test")[1])) == (2, 2)
    assert data.load("test")[1][:, 1].tolist() == [1, 0]
    assert data.found.left_out == {"rows of labels.csv": "1 without an image"}
    flipped = ImageFolder(str(folder), size=4, held_out=2, flip=True, subset=1, labels=table(folder, HEAD, *ROWS))
    assert [len(part) for part in flipped.load("train")] == [2, 2] and len(flipped.conditions()) == 1


def test_files_are_known_by_their_place_or_their_name(tmp_path: Path) -> None:
    for name in ("train/one/a", "train/two/b", "test/one/c"):
        save(tmp_path / f"x/{name}.png")
    lines = ("f,v", "train/one/a.png,1", "b.png,2", "c.png,3")
    data = ImageFolder(str(tmp_path / "x"), size=4, labels=table(tmp_path / "x", *lines))
    assert data.attributes.decode(data.load("train")[1]).tolist() == [[1], [2]] and data.class_names is None
    assert data.attributes.decode(data.load("test")[1]).tolist() == [[3]]


def test_labels_are_part_of_what_is_learnt(folder: Path) -> None:
    prints = set()
    for lines in (
        [HEAD, *ROWS],
        [HEAD, *ROWS[:3], "d.png,1,50,black"],
        ["file,hair", *(f"{name}.png,{name}" for name in "abcd")],
    ):
        prints.add(ImageFolder(str(folder), size=4, labels=table(folder, *lines)).fingerprint)
    prints.add(ImageFolder(str(folder), size=4).fingerprint)
    assert len(prints) == 4


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [HEAD],
        ["file", "a.png"],
        [HEAD, *ROWS[:2]],
        [HEAD, *ROWS, ROWS[0]],
        [HEAD, *ROWS[:3], "d.png,1,50"],
        [HEAD, *ROWS[:3], "d.png,1,,red"],
        [HEAD, *ROWS[:3], "d.png,1,nan,red"],
        [HEAD, *ROWS[:3], "d.png,1,inf,red"],
        ["file,a,a", *(f"{name}.png,1,2" for name in "abcd")],
        ["file,a,", *(f"{name}.png,1,2" for name in "abcd")],
    ],
)
def test_what_says_too_little_is_refused(folder: Path, lines: list[str]) -> None:
    with refused("data.labels"):
        ImageFolder(str(folder), size=4, labels=table(folder, *lines))


def test_no_table_at_all_and_a_class_that_is_only_tested_are_refused(folder: Path, tmp_path: Path) -> None:
    for wrong in (tmp_path / "nowhere.csv", tmp_path):
        with refused("data.labels"):
            ImageFolder(str(folder), labels=str(wrong))
    for name in ("train/a", "train/b", "test/c"):
        save(tmp_path / f"y/{name}.png")
    with refused("data.labels"):
        ImageFolder(str(tmp_path / "y"), labels=table(folder, "f,class", "a.png,x", "b.png,x", "c.png,y"))
