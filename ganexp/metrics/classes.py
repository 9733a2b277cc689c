"""Coverage of the classes of labelled images, seen by nearest neighbours.

Contract: a sample has the class of most of its k nearest references, training images drawn evenly from the classes; with g_c
the share of class c among the samples and r_c its share of the training images, a class is covered when g_c >= r_c / 4, and

    class_kl = sum_c g_c log(g_c / r_c).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganexp.data import Data, Images
from ganexp.errors import ConfigError
from ganexp.metrics.base import Metric
from ganexp.types import PositiveInt, Probability

# Of its due share, what a class must have to be covered.
DUE = 0.25

# Distances are computed for this many (sample, reference) pairs at a time.
PAIRS = 2**22

# Between fewer classes, shares say little; and more names than these make no sentence.
FEWEST = 4
NAMES = 5


@dataclass(frozen=True)
class _References:
    """Images as vectors, prepared for nearest neighbours."""

    vectors: Tensor  # (R, D)
    halves: Tensor  # half the squared norms, (R,)
    labels: Tensor  # (R,)
    frequencies: Tensor  # of the classes in the training data, (K,)

    def to(self, device: torch.device) -> "_References":
        return _References(*(tensor.to(device) for tensor in vars(self).values()))


class ClassCoverage(Metric):
    """Compares the classes of the samples with those of the data: a collapsed model makes few of them.

    Samples are labelled by their nearest neighbours (Euclidean distance of pixels, majority, the nearer ones where it is
    equal). With the defaults on MNIST this is right for 94.1 % of the 10,000 test images. A sample that looks like nothing gets
    the class that it is least unlike, so this does not measure quality: uniform noise covers seven digits. Samples that are not
    finite have no class.

    Arguments:
        references: Number of training images with which samples are compared, drawn evenly from the classes and within each.
        neighbours: Number of nearest references that vote.
        least_covered: The verdict is mode collapse when a smaller fraction of the classes is covered.
        most_in_one: The verdict is mode collapse when one class holds a larger share, and more than twice its due.
    """

    def __init__(
        self,
        references: PositiveInt = 5000,
        neighbours: PositiveInt = 5,
        least_covered: Probability = 0.6,
        most_in_one: Probability = 0.5,
    ) -> None:
        self.references, self.neighbours = references, neighbours
        self.least_covered, self.most_in_one = least_covered, most_in_one
        self._cache: tuple[Data, _References] | None = None
        self._names: tuple[str, ...] = ()
        self._shares = self._due = torch.empty(0)

    def check(self, data: Data) -> None:
        """Refuse data that is not images with labels.

        Raises:
            ConfigError: It is not.
        """
        if not isinstance(data, Images) or not data.num_classes:
            hint = "use data with labels, such as data=mnist, or metrics=none"
            raise ConfigError("class coverage needs images with classes", "metrics", "data", hint=hint)

    def __call__(self, samples: Tensor, data: Data) -> dict[str, float]:
        """Measure samples with shape (N, C, H, W); values outside the data's range are clipped.

        Returns:
            `classes_covered`: the number of covered classes. `class_kl`: the divergence from the data's frequencies in nats,
            among the samples with a class; without any, that of a single class, the rarest. `largest_class`: the share of the
            most frequent class, in [0, 1].
        """
        self.check(data)
        due = self._prepare(data, samples.device).frequencies.cpu()
        classes = self.classify(samples[samples.flatten(1).isfinite().all(1)], data)
        counts = classes.bincount(minlength=data.num_classes).cpu()
        self._names = data.class_names or tuple(map(str, range(data.num_classes)))
        self._shares, self._due = counts / len(samples), due
        terms = torch.special.xlogy(counts, counts / counts.sum() / due)[counts > 0] / counts.sum()
        return {
            "classes_covered": float(self._covered().sum()),
            "class_kl": float(terms.sum()) if len(classes) else -math.log(float(due[due > 0].min())),
            "largest_class": float(self._shares.max()),
        }

    def classify(self, samples: Tensor, data: Data) -> Tensor:
        """Return the classes (int64, (N,)) of finite samples with shape (N, C, H, W)."""
        references = self._prepare(data, samples.device)
        vectors = samples.float().flatten(1)
        if data.value_range is not None:
            vectors = vectors.clamp(*data.value_range)
        k = min(self.neighbours, len(references.labels))
        # The sum of all that nearness adds is half a vote: it decides only where the votes are equal.
        votes = 1 + torch.arange(k, 0, -1, device=samples.device) / (k * (k + 1))
        parts = []
        for part in vectors.split(max(1, PAIRS // len(references.labels))):
            # |x - r|^2 is smallest where x r - |r|^2 / 2 is largest.
            nearest = torch.addmm(references.halves, part, references.vectors.T, beta=-1).topk(k).indices
            tally = torch.zeros(len(part), data.num_classes, device=samples.device)
            parts.append(tally.scatter_add_(1, references.labels[nearest], votes.expand(len(part), k)).argmax(1))
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64, device=samples.device)

    def verdict(self, values: dict[str, float]) -> str | None:
        """Say whether the samples of the last call are collapsed to few classes, and to which; of less than four, nothing.

        Arguments:
            values: What that call returned.
        """
        total, covered = len(self._names), self._covered()
        if total and not covered.any():
            return f"{_percent(1 - self._shares.sum())} of the samples are not finite"
        if total < FEWEST:
            return None
        largest = int(self._shares.argmax())
        if covered.sum() < self.least_covered * (self._due > 0).sum():
            held = covered.nonzero().flatten().tolist()
        elif self._shares[largest] > max(self.most_in_one, 2 * float(self._due[largest])):
            held = [largest]
        else:
            return None
        *names, last = (self._names[index] for index in held)
        listed = f" ({', '.join(names)} and {last})" if names else f" ({last})"
        subject = f"{len(held)} of {total} classes{listed if len(held) <= NAMES else ''}"
        return f"mode collapse: {subject} {'hold' if names else 'holds'} {_percent(self._shares[held].sum())} of the samples"

    def __getstate__(self) -> dict[str, object]:
        # Copies and other processes read the references anew: they are many megabytes.
        return self.__dict__ | {"_cache": None}

    def _covered(self) -> Tensor:
        return (self._due > 0) & (self._shares >= DUE * self._due)

    def _prepare(self, data: Data, device: torch.device) -> _References:
        """Return the references of a data set, read once and kept on the device."""
        if self._cache is None or self._cache[0] is not data:
            images, labels = data.load("train")
            assert labels is not None
            frequencies = labels.bincount(minlength=data.num_classes) / len(labels)
            each = max(1, self.references // int((frequencies > 0).sum()))
            chosen = []
            for label in range(data.num_classes):
                members = (labels == label).nonzero().flatten()
                chosen.append(members[torch.linspace(0, len(members) - 1, min(each, len(members))).long()])
            index = torch.cat(chosen)
            vectors = data.decode(images[index]).flatten(1)
            halves = vectors.square().sum(1) / 2
            self._cache = data, _References(vectors, halves, labels[index], frequencies)
        self._cache = data, self._cache[1].to(device)
        return self._cache[1]


def _percent(share: Tensor) -> str:
    return f"{100 * float(share):.0f} %"
