import os
from pathlib import Path
from typing import Any

import pytest
import torch

from ganexp.data import CIFAR10, CIFAR100, MNIST, STL10, SVHN, Downloaded, FashionMNIST
from support.refused import refused

CLASSES = pytest.mark.parametrize("cls", [MNIST, FashionMNIST, CIFAR10, CIFAR100, STL10, SVHN])


@CLASSES
def test_downloads_what_is_missing_and_then_needs_no_server(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path / "new" / "root"))
    data.prepare()
    site.close()
    for again in (data, cls(root=str(data.root))):
        again.prepare()
        for split, count in (("train", 20), ("test", 10)):
            images, labels = again.load(split)  # type: ignore[arg-type]
            assert images.shape == (count, *data.shape) and images.dtype == torch.uint8 and images.is_contiguous()
            assert labels is not None and labels.shape == (count,) and labels.dtype == torch.int64
        assert torch.equal(images[0].flatten(), torch.arange(images[0].numel()).to(torch.uint8))


@CLASSES
def test_a_subset_is_cut_and_images_are_resized(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path), subset=7, size=64)
    assert data.shape == (cls.shape[0], 64, 64)
    data.prepare()
    assert data.load("train")[0].shape == (7, *data.shape) and data.load("test")[0].shape == (10, *data.shape)
    native, labels = cls(root=str(tmp_path)).load("train")
    assert native.shape == (20, *cls.shape) and torch.equal(data.load("train")[1], labels[:7])  # type: ignore[arg-type, index]


@CLASSES
def test_restores_a_missing_file_from_the_archive_that_is_there(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    if cls is SVHN:
        pytest.skip("its files are no archives")
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path))
    data.prepare()
    (tmp_path / data.files()[1]).unlink()
    site.close()
    data = cls(root=str(tmp_path))
    data.prepare()
    assert all((tmp_path / file).is_file() for file in data.files())


@CLASSES
@pytest.mark.parametrize("fault", ["spoil", "close", "gone"])
def test_a_failed_download_is_refused_with_what_to_do(cls: type[Downloaded], fault: str, site: Any, tmp_path: Path) -> None:
    if fault == "gone":
        site.url = "http://127.0.0.1:9"
    site.publish(cls.dataset)
    if fault != "gone":
        getattr(site, fault)()
    data = cls(root=str(tmp_path / "new" / "root"))
    with refused("data", "data.root") as caught:
        data.prepare()
    assert "data.root=FOLDER" in str(caught.value) and "\n" not in str(caught.value)
    assert not any((data.root / file).exists() for file in data.files())
    assert fault == "spoil" or not list(tmp_path.iterdir())
    site.url = site.home
    site.publish(cls.dataset)
    data.prepare()


def test_a_root_that_cannot_be_made_is_refused(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    (tmp_path / "file").touch()
    with refused("data", "data.root"):
        MNIST(root=str(tmp_path / "file" / "below")).prepare()


def test_loading_what_was_not_prepared_is_refused(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    with refused("data", "data.root"):
        MNIST(root=str(tmp_path)).load("train")


@CLASSES
def test_a_damaged_file_is_refused_and_stays(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path))
    data.prepare()
    for file in data.files():
        path = tmp_path / file
        whole = path.read_bytes()
        flipped = whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
        for damaged in (flipped, whole[:-1], b""):
            path.write_bytes(damaged)
            with refused("data", "data.root"):
                cls(root=str(tmp_path)).prepare()
            assert path.read_bytes() == damaged
            if len(damaged) == len(whole):  # what changes after it was prepared is read if it can be
                continue
            with refused("data", "data.root"):
                for split in ("train", "test"):
                    data.load(split)  # type: ignore[arg-type]
        path.write_bytes(whole)
    cls(root=str(tmp_path)).prepare()


def test_labels_that_do_not_fit_are_refused(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    data = MNIST(root=str(tmp_path))
    data.prepare()
    path = tmp_path / "MNIST/raw/train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0a")
    with refused("data", "data.root"):
        data.load("train")


def test_more_training_images_come_where_they_are_asked_for(site: Any, tmp_path: Path) -> None:
    for cls, option, labelled in ((SVHN, "extra", True), (STL10, "unlabelled", False)):
        site.publish(cls.dataset)
        data = cls(root=str(tmp_path), **{option: True})
        data.prepare()
        (images, labels), (test, _) = data.load("train"), data.load("test")
        assert (len(images), len(test), labels is not None, bool(data.num_classes)) == (25, 10, labelled, labelled)
        assert data.memory == data.count * images[0].numel() > cls(root=str(tmp_path)).memory
        assert data.fingerprint != cls(root=str(tmp_path)).fingerprint


@CLASSES
def test_class_names_are_those_of_torchvision(cls: type[Downloaded]) -> None:
    data = cls()
    assert data.class_names is not None and len(data.class_names) == data.num_classes
    assert not isinstance(data, FashionMNIST) or list(data.class_names) == data.torchvision.classes


@pytest.mark.skipif(
    not Path(os.environ.get("GANEXP_DATA", ""), "MNIST", "raw", "train-images-idx3-ubyte").is_file(),
    reason="GANEXP_DATA names no folder with MNIST",
)
def test_the_real_mnist() -> None:
    data = MNIST()
    data.prepare()
    images, labels = data.load("train")
    assert labels is not None and labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert images.shape == (60_000, 1, 28, 28) and data.load("test")[0].shape == (10_000, 1, 28, 28)


def test_root_comes_from_the_option_then_the_environment_then_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GANEXP_DATA", raising=False)
    assert MNIST().root == tmp_path / "cache/ganexp/data"
    monkeypatch.setenv("GANEXP_DATA", str(tmp_path / "shared"))
    assert MNIST().root == tmp_path / "shared"
    assert MNIST(root=str(tmp_path / "mine")).root == tmp_path / "mine"


def test_what_is_derived_lies_in_the_root_or_in_the_cache_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert MNIST(root=str(tmp_path)).derived == tmp_path / "derived"
    assert MNIST(root=str(tmp_path / "missing")).derived == tmp_path / "cache/ganexp/derived"
