"""A small network that learns a task on the data itself, once, and is kept on the disk.

Contract: the network is a function of the whole data set and of the task; equal hashes mean equal weights; what is read from
the disk is what was written, or it is made anew.
"""

import sys
from abc import abstractmethod
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ganexp.data.base import Split
from ganexp.data.images import Images
from ganexp.metrics.extractors.base import Copies, Extractor, Features, check_bytes, weights_hash
from ganexp.metrics.extractors.convnet import ConvNet, accuracy, train
from ganexp.runs.files import whole_file
from ganexp.runs.locks import alone

# Part of the file's name: another number makes the networks of an older recipe invalid.
RECIPE = 1

# Passes through the training split: 3, up to 20 where it is small, fewer where it is large.
PASSES, MOST_PASSES = 3, 20
LEAST_SEEN, MOST_SEEN = 20_000, 500_000


class Lesson(NamedTuple):
    """Images (uint8, (N, C, H, W)), what is to be told of each (int64, (N,)), and how many answers there are."""

    images: Tensor
    labels: Tensor
    answers: int


class Trained(NamedTuple):
    """A trained network, and the share of the test images of which it tells the right thing."""

    network: ConvNet
    accuracy: float


class Taught(Extractor):
    """The features of a network that has learnt something: its penultimate layer (128 values) and its logits.

    It learns from the whole training split, whatever subset a model learns from, and is kept in the data's folder of derived
    files. A subclass says what is learnt.
    """

    @abstractmethod
    def lesson(self, data: Images, split: Split) -> Lesson:
        """Return what is learnt from the training split, and examined on the other."""

    def prepare(self, data: Images) -> None:
        """Read the network, or train it: about half a minute for MNIST on one core of a CPU.

        Raises:
            ConfigError: Nothing can be learnt from the data.
        """
        self.check(data)
        network, self._accuracy = self._obtain(data.whole())
        self.networks = Copies(network)

    @property
    def identity(self) -> dict[str, str | float]:
        return {"name": self.name, "hash": self.networks.hash, "test_accuracy": self._accuracy}

    def __call__(self, images: Tensor) -> Features:
        check_bytes(images)
        return self.networks.on(images.device).see(images)

    def _obtain(self, data: Images) -> Trained:
        path = data.derived / f"{self.name}-{RECIPE}-{data.fingerprint}.pt"
        with alone(path):
            found = _read(path)
            if found is None:
                found = self._make(data)
                _write(path, found)
        return found

    def _make(self, data: Images) -> Trained:
        images, labels, answers = self.lesson(data, "train")
        _say(f"training the extractor {self.name} on {type(data).__name__}, once: {len(images):,} images of {answers} classes")
        seen = min(max(PASSES * len(images), min(MOST_PASSES * len(images), LEAST_SEEN)), MOST_SEEN)
        network = train(images, labels, answers, seen)
        images, labels, _ = self.lesson(data, "test")
        right = accuracy(network, images, labels)
        _say(f"the extractor {self.name} is right for {right:.2%} of the {len(images):,} test images")
        return Trained(network, right)


def _read(path: Path) -> Trained | None:
    """Return what a file holds; None where there is none or it is damaged."""
    try:
        kept = torch.load(path, weights_only=True)
        with torch.device("meta"):  # where initialising draws no random numbers
            network = ConvNet(tuple(kept["shape"]), int(kept["answers"]))
        network.load_state_dict(kept["state"], assign=True)
        if weights_hash(network) == kept["hash"]:
            return Trained(network, float(kept["accuracy"]))
    except Exception:  # whatever the damage provokes
        pass
    return None


def _write(path: Path, made: Trained) -> None:
    network = made.network
    kept = {
        "state": network.state_dict(),
        "shape": (len(network.mean), *network.sides),
        "answers": network.head.out_features,
        "hash": weights_hash(network),
        "accuracy": made.accuracy,
    }
    try:
        with whole_file(path) as file:
            torch.save(kept, file)
    except OSError:  # a folder that cannot be written costs time, nothing else
        pass


def _say(text: str) -> None:
    print(f"ganexp: {text}", file=sys.stderr, flush=True)
