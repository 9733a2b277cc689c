"""CelebA and LSUN, in small files of their own formats."""

import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.data import LSUN, CelebA
from ganexp.data.celeba import NAMES
from support.refused import refused

PARTS = [0] * 6 + [1] * 2 + [2] * 3


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GANEXP_DATA", raising=False)


def pixels(index: int) -> np.ndarray:
    """An image of CelebA's size whose middle has the brightness of its number."""
    made = np.zeros((218, 178, 3), np.uint8)
    made[20:198] = 20 * index
    return made


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder with eleven faces, laid out as torchvision does it."""
    root = tmp_path / "root/celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    rows = [str(len(PARTS)), " ".join(NAMES)]
    for index in range(len(PARTS)):
        Image.fromarray(pixels(index)).save(root / f"img_align_celeba/{index + 1:06d}.jpg", quality=95)
        values = [1 if (index >> (place % 4)) & 1 else -1 for place in range(len(NAMES))]
        rows.append(f"{index + 1:06d}.jpg " + " ".join(f"{value:2d}" for value in values))
    (root / "list_attr_celeba.txt").write_text("\n".join(rows) + "\n")
    parts = "\n".join(f"{index:06d}.jpg {part}" for index, part in enumerate(PARTS, 1))
    (root / "list_eval_partition.txt").write_text(parts + "\n")
    return root.parent


def test_faces_have_the_splits_and_attributes_of_the_tables(faces: Path) -> None:
    data = CelebA(str(faces), size=16)
    data.prepare()
    (images, y), (test, test_y) = data.load("train"), data.load("test")
    assert (images.shape, test.shape, y.shape, test_y.shape) == ((6, 3, 16, 16), (3, 3, 16, 16), (6, 41), (3, 41))
    middle = images[:, 0, 8, 8].float()
    torch.testing.assert_close(middle, 20.0 * torch.arange(6), rtol=0, atol=3)
    male = NAMES.index("Male")
    assert data.attributes.names[male] == "Male" and male % 4 == 0
    assert y[:, 1 + male].tolist() == [0, 1, 0, 1, 0, 1] and y[:, 0].tolist() == [1] * 6
    assert (data.num_classes, len(data.conditions())) == (0, 6) and "40 attributes" in str(data.found)
    assert data.derived == faces / "derived"


def test_an_attribute_may_be_the_class(faces: Path) -> None:
    data = CelebA(str(faces), labels="Male", size=8, subset=4)
    data.prepare()
    assert data.class_names == ("not Male", "Male") and data.load("train")[1].tolist() == [0, 1, 0, 1]
    assert data.class_weights == (3, 3) and data.attributes is None
    plain = CelebA(str(faces), labels="none", size=8, subset=4)
    plain.prepare()
    assert plain.load("train")[1] is None and plain.num_classes == 0
    assert (
        len({CelebA(str(faces), labels=labels, size=8).fingerprint for labels in ("Male", "none", "Young", "attributes")}) == 4
    )
    with refused("data.labels") as caught:
        CelebA(str(faces), labels="Smilling")
    assert "Smiling" in caught.value.hint


def test_images_are_unpacked_from_an_archive_that_is_there(faces: Path) -> None:
    home = faces / "celeba"
    with zipfile.ZipFile(home / "img_align_celeba.zip", "w") as archive:
        for image in sorted((home / "img_align_celeba").iterdir()):
            archive.write(image, f"img_align_celeba/{image.name}")
    shutil.rmtree(home / "img_align_celeba")
    CelebA(str(faces), size=8).prepare()
    assert len(list((home / "img_align_celeba").iterdir())) == len(PARTS)


def test_what_is_missing_is_downloaded_by_torchvision(faces: Path, tmp_path: Path, site: Any, monkeypatch: Any) -> None:
    from torchvision.datasets import celeba

    def download(file_id: str, root: str, filename: str, md5: str) -> None:
        Path(root).mkdir(parents=True, exist_ok=True)
        source = faces / "celeba" / filename
        if filename.endswith(".zip"):
            shutil.make_archive(str(Path(root, filename).with_suffix("")), "zip", faces / "celeba", "img_align_celeba")
        elif source.exists():
            shutil.copy(source, root)

    monkeypatch.setattr(celeba, "download_file_from_google_drive", download)
    monkeypatch.setattr(celeba.CelebA, "_check_integrity", lambda self: Path(self.root, "celeba/img_align_celeba").is_dir())
    monkeypatch.setattr(celeba.CelebA, "_load_csv", lambda self, *a, **k: celeba.CSV([], [], torch.zeros(0, 1)))
    monkeypatch.setattr("ganexp.data.published._reach", lambda urls: None)
    data = CelebA(str(tmp_path / "new"), size=8)
    data.prepare()
    assert len(data.load("train")[0]) == 6


def test_what_cannot_be_downloaded_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CelebA, "archives", lambda self: {"celeba/x": ["http://127.0.0.1:9/x"]})
    with refused("data", "data.root") as caught:
        CelebA(str(tmp_path / "new")).prepare()
    assert "img_align_celeba into FOLDER/celeba" in caught.value.hint and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: (home / "list_attr_celeba.txt").write_text("3\nMale Young\n"),
        lambda home: (home / "list_attr_celeba.txt").write_text(f"1\n{' '.join(NAMES)}\n000001.jpg 1 1\n"),
        lambda home: (home / "list_eval_partition.txt").write_text("000001.jpg 0\n"),
        lambda home: (home / "list_eval_partition.txt").write_text("nonsense\n"),
        lambda home: (home / "img_align_celeba/000001.jpg").write_text("no image"),
        lambda home: (home / "img_align_celeba/000003.jpg").unlink(),
    ],
)
def test_damaged_files_are_refused(faces: Path, damage: Any) -> None:
    damage(faces / "celeba")
    with refused("data", "data.root"):
        CelebA(str(faces), size=8).prepare()


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Databases as LSUN has them: images in any format by their keys."""
    lmdb = pytest.importorskip("lmdb")
    (tmp_path / "lsun").mkdir()
    for part, count in (("train", 23), ("val", 4)):
        with (
            lmdb.open(str(tmp_path / f"lsun/tower_{part}_lmdb"), map_size=2**22) as database,
            database.begin(write=True) as written,
        ):
            for index in range(count):
                stream = io.BytesIO()
                Image.new("RGB", (40, 30), (10 * index, 0, 0)).save(stream, "WEBP", lossless=True)
                written.put(f"{index:040x}".encode(), stream.getvalue())
    return tmp_path / "lsun"


def test_scenes_come_in_the_order_of_their_keys(scenes: Path) -> None:
    data = LSUN(str(scenes), category="tower", size=8, workers=3)
    data.prepare()
    (images, y), (test, _) = data.load("train"), data.load("test")
    assert (images.shape, len(test), y, data.num_classes) == ((23, 3, 8, 8), 4, None, 0)
    assert images[:, 0, 4, 4].tolist() == [10 * index for index in range(23)]
    part = LSUN(str(scenes), category="tower", size=8, subset=5)
    part.prepare()
    assert len(part.load("train")[0]) == 5 and part.whole() is part and part.fingerprint != data.fingerprint
    assert "23 for training, 4 held out" in str(data.found)


def test_without_a_database_for_validation_every_tenth_is_held_out(scenes: Path) -> None:
    shutil.rmtree(scenes / "tower_val_lmdb")
    data = LSUN(str(scenes), category="tower", size=8)
    data.prepare()
    assert data.load("test")[0][:, 0, 4, 4].tolist() == [90, 190] and len(data.load("train")[0]) == 21


def test_databases_that_are_not_there_or_damaged_are_refused(scenes: Path) -> None:
    with refused("data", "data.root") as caught:
        LSUN(str(scenes), category="bedroom").prepare()
    assert "bedroom_train_lmdb.zip" in caught.value.hint
    (scenes / "tower_train_lmdb/data.mdb").write_bytes(b"no database" * 1000)
    with refused("data", "data.root"):
        LSUN(str(scenes), category="tower").prepare()
