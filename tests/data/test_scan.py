"""Which files of a folder are images, classes and splits, known by their names alone."""

import os
from pathlib import Path
from typing import Any

import pytest

from ganexp.data.scan import Scan, formats, scan, suffixes
from support.refused import refused


def make(folder: Path, *names: str) -> Path:
    """Make empty files, and a folder of each name that ends in a slash."""
    for name in names:
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    return folder


CATS, DOGS = ("cat/0.png", "cat/1.png"), ("dog/0.png",)


BOTH = [list(CATS), list(DOGS)]
TRAIN = ("train/cat/0.png", "train/dog/0.png")
SPLIT = [[name] for name in TRAIN]
BESIDE = "1, beside train and test"
FOREIGN = "1, of no training class"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("b.png", "a.png", "deep/er/c.png"), Scan([["a.png", "b.png", "deep/er/c.png"]])),
        ((*CATS, *DOGS), Scan(BOTH, classes=("cat", "dog"))),
        ((*CATS,), Scan([list(CATS)])),
        ((*CATS, *DOGS, "bird/", "fish/a.txt"),
         Scan(BOTH, classes=("cat", "dog"), left_out={".txt": "1", "bird": "no images", "fish": "no images"})),
        (("all/images/cat/0.png", "all/images/dog/0.png"),
         Scan([["all/images/cat/0.png"], ["all/images/dog/0.png"]], classes=("cat", "dog"))),
        (("00000/a.png", "00000/b.png", "dataset.json"), Scan([["00000/a.png", "00000/b.png"]], left_out={".json": "1"})),
        (("10/a.png", "9/a.png", "no/a.png"), Scan([["10/a.png"], ["9/a.png"], ["no/a.png"]], classes=("10", "9", "no"))),
        ((*TRAIN, "test/cat/0.png", "test/dog/0.png"), Scan(SPLIT, [["test/cat/0.png"], ["test/dog/0.png"]], ("cat", "dog"))),
        (("Training/a.png", "Validation/b.png"), Scan([["Training/a.png"]], [["Validation/b.png"]])),
        (("train/a.png", "test/b.png", "val/c.png", "cover.png"),
         Scan([["train/a.png"]], [["test/b.png"]], left_out={"images": BESIDE, "images in val": BESIDE})),
        ((*TRAIN, "val/dog/0.png", "val/emu/0.png", "val/1.png"),
         Scan(SPLIT, [[], ["val/dog/0.png"]], ("cat", "dog"),
              left_out={"images in val/emu": FOREIGN, "images in val": FOREIGN})),
        ((*TRAIN, "test/0.png"), Scan(SPLIT, classes=("cat", "dog"), left_out={"images in test": FOREIGN})),
        (("train/a.png", "extra/b.png"), Scan([["extra/b.png"], ["train/a.png"]], classes=("extra", "train"))),
        (("a.png", ".b.png", ".git/c.png", "__MACOSX/a.png", "Thumbs.db", ".DS_Store", "x.CSV", "y.csv", "LICENSE"),
         Scan([["a.png"]], left_out={".csv": "2", "files without an ending": "1", "hidden images": "1"})),
    ],
)  # fmt: skip
def test_what_a_folder_is_read_as(tmp_path: Path, names: tuple[str, ...], expected: Scan) -> None:
    assert scan(make(tmp_path / "x", *names)) == expected


def test_an_image_beside_class_folders_is_named_as_the_reason(tmp_path: Path) -> None:
    found = scan(make(tmp_path / "x", *CATS, *DOGS, "cover.png"))
    assert found.classes is None and found.train == [[*CATS, "cover.png", *DOGS]]
    assert found.unlabelled is not None and "cover.png" in found.unlabelled and "cat, dog" in found.unlabelled


def test_every_ending_of_what_pillow_decodes_counts_and_none_of_what_it_hands_to_others() -> None:
    from PIL import Image

    endings = {"png", "jpg", "jpeg", "jfif", "jpe", "jp2", "webp", "gif", "bmp", "dib", "tif", "tiff", "tga", "ico", "psd"}
    assert {f".{ending}" for ending in endings | {"pbm", "pgm", "ppm", "pnm"}} <= suffixes()
    assert not suffixes() & {".eps", ".ps", ".pdf", ".wmf", ".h5", ".grib", ".mpg", ".txt", ".npy", ""}
    assert set(formats()) <= set(Image.OPEN)
    assert (".avif" in suffixes()) == ("AVIF" in Image.OPEN)


def test_links_are_followed_once_and_never_upwards(tmp_path: Path) -> None:
    make(tmp_path, "root/x/cat/0.png", "root/x/dog/0.png", "root/other/0.png", "far/0.png")
    folder = tmp_path / "root/x"
    for name, target in (
        ("up", ".."),
        ("above", tmp_path),
        ("here", folder),
        ("kitty", folder / "cat"),
        ("far", tmp_path / "far"),
    ):
        (folder / name).symlink_to(target)
    (folder / "self").symlink_to("self")
    (folder / "nowhere").symlink_to("/nowhere-at-all")
    (folder / "dog/1.png").symlink_to("/nowhere-at-all.png")  # an image that is missing, which decoding reports
    found = scan(folder)
    assert found.classes == ("cat", "dog", "far") and found.train[1] == ["dog/0.png", "dog/1.png"]
    assert found.left_out["links to folders that are there anyway"] == "4" and found.left_out["broken links"] == "2"


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    make(tmp_path / "x", "a.png")
    os.mkfifo(tmp_path / "x/b.png")
    assert scan(tmp_path / "x") == Scan([["a.png"]], left_out={"pipes, sockets or devices": "1"})


@pytest.mark.parametrize(
    ("written", "name"), [(b"K\xe4tze", "K\\xe4tze"), ("Gro\u0308\u00dfe".encode(), "Gr\u00f6\u00dfe"), ("猫".encode(), "猫")]
)
def test_names_of_classes_are_text_whatever_their_encoding(tmp_path: Path, written: bytes, name: str) -> None:
    for folder in (written, b"other"):
        path = os.path.join(os.fsencode(tmp_path / "x"), folder)
        os.makedirs(path)
        with open(os.path.join(path, b"0.png"), "wb"):
            pass
    classes = scan(tmp_path / "x").classes
    assert classes is not None and name in classes and all(one.encode() for one in classes)


@pytest.mark.parametrize("names", [(), ("sub/",), ("labels.csv", "a.eps")])
def test_a_folder_without_images_says_what_it_holds(tmp_path: Path, names: Any) -> None:
    (tmp_path / "x").mkdir()
    with refused("data.path") as caught:
        scan(make(tmp_path / "x", *names))
    assert caught.value.hint and (".csv" in caught.value.hint) == ("labels.csv" in names)
