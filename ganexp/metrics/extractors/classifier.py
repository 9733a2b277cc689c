"""A classifier of the data's own classes, trained once on its training labels and kept on the disk.

Contract: the network is a function of the whole data set; equal hashes mean equal weights; what is read from the disk is what
was written, or it is made anew.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
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


class Trained(NamedTuple):
    """A trained network, and the share of test images that it classifies correctly."""

    network: ConvNet
    accuracy: float


class Classifier(Extractor):
    """A small convolutional classifier: its penultimate layer (128 values) gives the vectors, its last one the logits.

    It learns from the whole training split, whatever subset a model learns from, and is kept in the data's folder of derived
    files. Data whose channels are images of another data set, its `layers`, are seen by the classifier of that: vectors are
    concatenated over the C channels, and the logits are the log-probabilities of all K^C combinations of classes, those of the
    last channel counting fastest.
    """

    name = "classifier"
    knows_classes = True

    def check(self, data: Images) -> None:
        """Refuse data without labels.

        Raises:
            ConfigError: There are none.
        """
        if not _learnt(data).num_classes:
            raise ConfigError(
                "the classifier learns from labels, and the data has none",
                "extractor",
                "data",
                hint="use extractor=inception or metrics=none",
            )

    def prepare(self, data: Images) -> None:
        """Read the network, or train it: about half a minute for MNIST on one core of a CPU.

        Raises:
            ConfigError: The data has no labels.
        """
        self.check(data)
        network, self._accuracy = _obtain(_learnt(data).whole())
        self._networks = Copies(network)
        self._layered = data.layers is not None

    @property
    def identity(self) -> dict[str, str | float]:
        return {"name": self.name, "hash": self._networks.hash, "test_accuracy": self._accuracy}

    def __call__(self, images: Tensor) -> Features:
        check_bytes(images)
        network = self._networks.on(images.device)
        if not self._layered:
            return network.see(images)
        layers = [network.see(layer) for layer in images.split(1, dim=1)]
        logits = layers[0].logits.log_softmax(1)
        for layer in layers[1:]:
            logits = (logits[:, :, None] + layer.logits.log_softmax(1)[:, None, :]).flatten(1)
        return Features(torch.cat([layer.vectors for layer in layers], 1), logits)


def _learnt(data: Images) -> Images:
    """Return the data set whose classes the classifier learns."""
    return data if data.layers is None else data.layers


def _obtain(data: Images) -> Trained:
    path = data.derived / f"classifier-{RECIPE}-{data.fingerprint}.pt"
    with alone(path):
        found = _read(path, data)
        if found is None:
            found = _make(data)
            _write(path, found)
    return found


def _make(data: Images) -> Trained:
    images, labels = data.load("train")
    assert labels is not None
    _say(f"training the classifier of {type(data).__name__}, once: {len(images):,} images of {data.num_classes} classes")
    seen = min(max(PASSES * len(images), min(MOST_PASSES * len(images), LEAST_SEEN)), MOST_SEEN)
    network = train(images, labels, data.num_classes, seen)
    images, labels = data.load("test")
    assert labels is not None
    right = accuracy(network, images, labels)
    _say(f"the classifier is right for {right:.2%} of the {len(images):,} test images")
    return Trained(network, right)


def _read(path: Path, data: Images) -> Trained | None:
    """Return what a file holds; None where there is none or it is damaged."""
    try:
        kept = torch.load(path, weights_only=True)
        with torch.device("meta"):  # where initialising draws no random numbers
            network = ConvNet(tuple(data.shape), data.num_classes)
        network.load_state_dict(kept["state"], assign=True)
        if weights_hash(network) == kept["hash"]:
            return Trained(network, float(kept["accuracy"]))
    except Exception:  # whatever the damage provokes
        pass
    return None


def _write(path: Path, made: Trained) -> None:
    kept = {"state": made.network.state_dict(), "hash": weights_hash(made.network), "accuracy": made.accuracy}
    try:
        with whole_file(path) as file:
            torch.save(kept, file)
    except OSError:  # a folder that cannot be written costs time, nothing else
        pass


def _say(text: str) -> None:
    print(f"ganexp: {text}", file=sys.stderr, flush=True)
