import os
from pathlib import Path
from typing import Any

import pytest
import torch

from ganexp.data import MNIST, StackedMNIST
from ganexp.data.stacked import SIZES
from support.refused import refused

SMALL = {"train": 400, "test": 100}


@pytest.fixture
def root(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a folder with MNIST of 20 and 10 images, each of one brightness of its own, from which few stacks are made."""
    site.publish("MNIST")
    mnist = MNIST(str(tmp_path))
    mnist.prepare()
    for file in mnist.files():
        if "images" in file:
            content = (tmp_path / file).read_bytes()
            count = (len(content) - 16) // 784
            (tmp_path / file).write_bytes(content[:16] + b"".join(bytes([10 * index]) * 784 for index in range(count)))
    for split, count in SMALL.items():
        monkeypatch.setitem(SIZES, split, count)
    return str(tmp_path)


@pytest.mark.parametrize("split", ["train", "test"])
def test_channels_are_images_of_the_split_and_labels_their_digits(root: str, split: Any) -> None:
    data = StackedMNIST(root)
    (stacks, labels), (images, digits) = data.load(split), data.layers.load(split)
    assert stacks.shape == (SMALL[split], 3, 28, 28) and stacks.dtype == torch.uint8 and stacks.is_contiguous()
    assert labels is not None and labels.dtype == torch.int64 and labels.shape == (SMALL[split],)
    chosen = stacks[:, :, 0, 0].long() // 10
    assert torch.equal(images[chosen, 0], stacks)
    assert digits is not None
    assert [int("".join(map(str, row))) for row in digits[chosen].tolist()] == labels.tolist()
    assert chosen.unique().numel() == len(images), "every image is drawn"
    assert (chosen[:, 0] == chosen[:, 1]).float().mean() < 0.25, "channels are independent"


def test_stacks_are_the_same_every_time_and_others_in_each_split(root: str) -> None:
    state = torch.get_rng_state()
    first, again, test = (StackedMNIST(root).load(split) for split in ("train", "train", "test"))  # type: ignore[arg-type]
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[1][:100], test[1])  # type: ignore[index, arg-type]
    assert torch.equal(torch.get_rng_state(), state)


def test_options_are_those_of_mnist(root: str) -> None:
    data = StackedMNIST(root, value_range=(0, 1), batch_size=5, drop_last=False, subset=30, size=16)
    stacks, labels = data.load("train")
    assert data.shape == stacks.shape[1:] == (3, 16, 16) and len(stacks) == 30
    assert torch.equal(labels, StackedMNIST(root).load("train")[1][:30])  # type: ignore[index, arg-type]
    assert set(map(tuple, stacks[:, 0].flatten(1).tolist())) <= set(
        map(tuple, MNIST(root, size=16).load("train")[0].flatten(1).tolist())
    ), "digits are resized as MNIST's are"
    assert data.decode(stacks).min() >= 0 and data.decode(stacks).max() <= 1
    assert len(data.whole().load("train")[0]) == 400
    with refused("data.subset"):
        StackedMNIST(root, subset=401).load("train")


def test_the_thousand_classes_are_named_by_their_digits(tmp_path: Path) -> None:
    data = StackedMNIST(str(tmp_path))
    assert data.num_classes == len(data.class_names) == 1000
    assert (data.class_names[0], data.class_names[42], data.class_names[987]) == ("000", "042", "987")
    assert type(data.layers) is MNIST and data.layers.root == data.root and data.layers.layers is None


def test_the_fingerprint_is_that_of_the_digits(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = StackedMNIST(root).fingerprint
    assert fingerprint == StackedMNIST(root, value_range=(0, 1), batch_size=3).fingerprint
    assert fingerprint == StackedMNIST(root, subset=3).whole().fingerprint
    others = [StackedMNIST(root, size=16).fingerprint, StackedMNIST(root, subset=3).fingerprint, MNIST(root).fingerprint]
    monkeypatch.setitem(SIZES, "test", 50)
    others.append(StackedMNIST(root).fingerprint)
    images = Path(root, MNIST(root).files()[0])
    images.write_bytes(images.read_bytes()[:-1] + b"\x07")
    others.append(StackedMNIST(root).fingerprint)
    assert fingerprint not in others and len(set(others)) == len(others)


def test_files_are_downloaded_and_missed_as_those_of_mnist(site: Any, tmp_path: Path) -> None:
    site.publish("MNIST")
    with refused("data", "data.root"):
        StackedMNIST(str(tmp_path)).load("train")
    StackedMNIST(str(tmp_path)).prepare()
    assert len(MNIST(str(tmp_path)).load("train")[0]) == 20


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(os.environ.get("GANEXP_DATA", ""), "MNIST", "raw", "train-images-idx3-ubyte").is_file(),
    reason="GANEXP_DATA names no folder with MNIST",
)
def test_the_real_digits_make_every_class_of_both_splits() -> None:
    data = StackedMNIST()
    for split, count in (("train", 128_000), ("test", 26_000)):
        stacks, labels = data.load(split)  # type: ignore[arg-type]
        assert stacks.shape == (count, 3, 28, 28)
        counts = labels.bincount(minlength=1000)  # type: ignore[union-attr]
        assert len(counts) == 1000 and counts.min() > 0.3 * count / 1000 and counts.max() < 2 * count / 1000
