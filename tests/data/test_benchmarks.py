import os
from pathlib import Path

import pytest

from ganexp.data import CIFAR10, MNIST, Downloaded, FashionMNIST


@pytest.mark.parametrize("cls", [MNIST, FashionMNIST, CIFAR10])
def test_class_names_and_files_are_those_of_torchvision(cls: type[Downloaded], tmp_path: Path) -> None:
    data = cls(root=str(tmp_path))
    assert data.class_names is not None and len(data.class_names) == data.num_classes == 10
    if isinstance(data, FashionMNIST):
        assert list(data.class_names) == data.torchvision.classes
    assert all(archive.urls and len(archive.md5) == 32 for archive in data.archives())


@pytest.mark.skipif(
    not (Path(os.environ.get("GANEXP_DATA", "/nonexistent")) / "MNIST/raw").is_dir(),
    reason="GANEXP_DATA names no folder with MNIST",
)
def test_the_real_mnist() -> None:
    data = MNIST()
    data.prepare()
    images, labels = data.load("train")
    assert images.shape == (60_000, 1, 28, 28)
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.load("test")[0].shape == (10_000, 1, 28, 28)
    assert MNIST(subset=55_000).load("train")[0].shape == (55_000, 1, 28, 28)
