"""Images without files, and extractors that need no training."""

from typing import ClassVar

import torch
from torch import Tensor

from ganexp.data import Images, Split
from ganexp.metrics import Reference, Samples
from ganexp.metrics.extractors import Extractor, Features


class Shades(Images):
    """One shade of grey per class, 20 c of class c, as frequent as told; both splits are equal."""

    shape = (1, 2, 2)

    def __init__(self, *counts: int, names: tuple[str, ...] | None = None):
        super().__init__(batch_size=1)
        self.num_classes, self.class_names, self.counts, self.reads = len(counts), names, counts, 0

    def read(self, split: Split) -> tuple[Tensor, Tensor]:
        self.reads += 1
        return self.draw(*self.counts)

    def draw(self, *counts: int) -> tuple[Tensor, Tensor]:
        """Return so many images of each class, and their labels."""
        labels = torch.arange(self.num_classes).repeat_interleave(torch.tensor(counts))
        return (20 * labels).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous(), labels


class ShadeReader(Extractor):
    """Knows the class of a shade, for sure."""

    name, knows_classes = "shades", True

    def prepare(self, data: Images) -> None:
        self.classes = data.num_classes

    @property
    def identity(self) -> dict[str, str | float]:
        return {"name": self.name, "hash": f"{self.classes:016x}"}

    def __call__(self, images: Tensor) -> Features:
        shades = images.flatten(1).float().mean(1)
        logits = -(shades[:, None] - 20 * torch.arange(self.classes)).square()
        return Features(images.flatten(1).float(), logits)


class Projection(Extractor):
    """Sees random projections of the bytes, and as logits other ones; does not know the classes, but how many images it saw."""

    name, knows_classes = "projection", False
    size: ClassVar[int] = 16

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.seen = seed, 0

    def prepare(self, data: Images) -> None:
        count = data.shape[0] * data.shape[1] * data.shape[2]
        weights = torch.randn(count, self.size + 10, generator=torch.Generator().manual_seed(self.seed))
        self.weights = weights / count**0.5

    @property
    def identity(self) -> dict[str, str | float]:
        return {"name": self.name, "hash": f"{self.seed:08x}{len(self.weights):08x}"}

    def __call__(self, images: Tensor) -> Features:
        if images.dtype != torch.uint8:
            raise TypeError
        self.seen += len(images)
        seen = images.flatten(1).float() / 32 @ self.weights
        return Features(seen[:, : self.size], seen[:, self.size :])


def reference_of(data: Images, extractor: Extractor | None = None) -> Reference:
    """Return a prepared reference; its statistics are kept below XDG_CACHE_HOME."""
    reference = Reference(data, extractor or Projection())
    reference.prepare(features=True)
    return reference


def with_features(reference: Reference, vectors: Tensor, logits: Tensor | None = None, y: Tensor | None = None) -> Samples:
    """Return samples in which this is seen."""
    raw = torch.zeros(len(vectors), *reference.data.shape, dtype=torch.uint8)
    return Samples(raw, y, reference, Features(vectors, vectors if logits is None else logits))
