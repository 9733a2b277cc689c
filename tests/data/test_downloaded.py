import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.data import CIFAR10, MNIST, Downloaded, FashionMNIST

CLASSES = pytest.mark.parametrize("cls", [MNIST, FashionMNIST, CIFAR10])


def content(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@CLASSES
def test_downloads_what_is_missing_and_leaves_only_the_files(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path / "new" / "root"))
    data.prepare()
    assert content(tmp_path / "new" / "root") == set(data.files())
    for split, count in (("train", 20), ("test", 10)):
        images, labels = data.load(split)  # type: ignore[arg-type]
        assert images.shape == (count, *data.shape) and images.dtype == torch.uint8 and images.is_contiguous()
        assert labels.shape == (count,) and labels.dtype == torch.int64
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
def test_a_second_run_needs_no_server(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    cls(root=str(tmp_path)).prepare()
    site.close()
    cls(root=str(tmp_path)).prepare()


@CLASSES
def test_restores_one_missing_file(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path))
    data.prepare()
    (tmp_path / data.files()[1]).unlink()
    data.prepare()
    assert content(tmp_path) == set(data.files())


@CLASSES
def test_takes_archives_that_are_already_there(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path))
    for archive in data.archives():
        (tmp_path / archive.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(site.folder / Path(archive.path).name, tmp_path / archive.path)
    site.close()
    data.prepare()
    data.load("train")


@CLASSES
@pytest.mark.parametrize("fault", ["spoil", "close"])
def test_a_failed_download_leaves_nothing_behind(cls: type[Downloaded], fault: str, site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    getattr(site, fault)()
    data = cls(root=str(tmp_path / "new" / "root"))
    with pytest.raises(ConfigError, match="cannot be downloaded") as caught:
        data.prepare()
    assert "data.root=FOLDER" in str(caught.value) and "GANEXP_DATA=FOLDER" in str(caught.value)
    assert "data=digits" in str(caught.value) and str(data.root) in str(caught.value)
    assert not list(tmp_path.iterdir())


@CLASSES
def test_a_spoilt_archive_of_the_user_is_not_touched(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path))
    archive = tmp_path / data.archives()[0].path
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(b"mine")
    data.prepare()
    assert archive.read_bytes() == b"mine"


@CLASSES
def test_without_a_server_the_message_says_what_to_do(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    site.url = "http://127.0.0.1:9"
    site.publish(cls.dataset)
    with pytest.raises(ConfigError, match="put .* into FOLDER/") as caught:
        cls(root=str(tmp_path)).prepare()
    assert "\n" not in str(caught.value)
    assert caught.value.keys == ("data", "data.root")
    assert not list(tmp_path.iterdir())


def test_a_root_that_cannot_be_made_is_refused(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Not a directory"):
        MNIST(root=str(tmp_path / "file" / "below")).prepare()


def test_loading_what_was_not_prepared_is_refused(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    with pytest.raises(ConfigError, match="not prepared"):
        MNIST(root=str(tmp_path)).load("train")


@CLASSES
def test_a_damaged_file_is_named(cls: type[Downloaded], site: Any, tmp_path: Path) -> None:
    site.publish(cls.dataset)
    data = cls(root=str(tmp_path))
    data.prepare()
    for file in data.files():
        path = tmp_path / file
        whole = path.read_bytes()
        for damaged in (whole[:-1], whole + b"\0", b""):
            path.write_bytes(damaged)
            with pytest.raises(ConfigError, match=f"{path.name} is damaged"):
                data.prepare()
            with pytest.raises(ConfigError, match=f"{path.name} is damaged"):
                for split in ("train", "test"):
                    data.load(split)  # type: ignore[arg-type]
        path.write_bytes(whole)
    data.prepare()


def test_a_file_that_cannot_be_read_is_named(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    data = MNIST(root=str(tmp_path))
    data.prepare()
    path = tmp_path / data.files()[0]
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match=f"{path.name} cannot be read"):
        data.prepare()


def test_labels_that_do_not_fit_are_refused(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    data = MNIST(root=str(tmp_path))
    data.prepare()
    path = tmp_path / "MNIST/raw/train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(ConfigError, match="labels do not fit"):
        data.load("train")


def test_root_comes_from_the_option_then_the_environment_then_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GANEXP_DATA", raising=False)
    assert MNIST().root == tmp_path / "cache/ganexp/data"
    monkeypatch.setenv("GANEXP_DATA", str(tmp_path / "shared"))
    assert MNIST().root == tmp_path / "shared"
    assert MNIST(root=str(tmp_path / "mine")).root == tmp_path / "mine"


def test_what_is_derived_lies_in_the_root_or_in_the_cache_where_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) == tmp_path / "mine")
    assert MNIST(root=str(tmp_path / "mine")).derived == tmp_path / "mine/derived"
    assert MNIST(root=str(tmp_path / "shared")).derived == tmp_path / "cache/ganexp/derived"
