"""Fréchet distance of features within each class, of conditional models."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ganexp.metrics.base import Goal
from ganexp.metrics.features import FeatureMetric, kept
from ganexp.metrics.fid import frechet_distance
from ganexp.metrics.reference import KEPT, Moments, Reference, Samples, moments_of


class ClassFID(FeatureMetric):
    """The mean over the classes of the FID between samples of a class and real images of it (intra-FID); 0 is best.

    A model that makes the same images whatever class is asked for has a low FID and a high one of these. The real images are
    those of up to 10,000 of the training split; as each class has fewer samples than all have, values are larger than FIDs.

    References:
        cGANs with Projection Discriminator (Miyato & Koyama, 2018), https://arxiv.org/abs/1802.05637
    """

    goals: ClassVar[dict[str, Goal]] = {"class_fid": "min"}

    @property
    def least(self) -> int:
        """Two: one has no spread."""
        return 2

    def check(self, reference: Reference) -> None:
        """Refuse data that is not images with labels.

        Raises:
            ConfigError: It is not.
        """
        reference.check_classes()
        super().check(reference)

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Measure samples.

        Returns:
            Nothing of samples without labels. `class_fid`: the mean, in squared units of the features, over the classes with at
            least two samples and two real images; NaN if there is none. Details: `class_fid/...` of each such class, by name.
        """
        if samples.y is None:
            return {}
        names = reference.data.class_names or tuple(map(str, range(reference.data.num_classes)))
        apart = _by_class(samples.features.vectors, samples.y, len(names))
        found = {
            name: frechet_distance(vectors, real)
            for name, vectors, real in zip(names, apart, self._real(reference), strict=True)
            if real is not None and len(vectors) > 1
        }
        mean = sum(found.values()) / len(found) if found else math.nan
        return {"class_fid": mean} | {f"class_fid/{name}": value for name, value in found.items()}

    @kept
    def _real(self, reference: Reference) -> list[Moments | None]:
        """Return the moments of each class's real images; None of less than two."""
        real = reference.real("train", KEPT)
        assert real.y is not None
        apart = _by_class(real.features.vectors, real.y, reference.data.num_classes)
        return [moments_of(vectors) if len(vectors) > 1 else None for vectors in apart]


def _by_class(vectors: Tensor, y: Tensor, classes: int) -> list[Tensor]:
    """Split features with shape (N, D) by their labels (N,)."""
    order = y.argsort(stable=True)
    return list(torch.split(vectors[order], y.bincount(minlength=classes).tolist()))
