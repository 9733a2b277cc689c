r"""Whether samples lie where real images are, and the other way round: precision, recall, density, coverage.

Contract: with the features :math:`g_i` of n samples and :math:`r_j` of as many training images, and the ball :math:`B_k(a)`
around a with the distance to its k-th nearest neighbour in its own set as radius,

.. math::
    \mathrm{precision} &= \tfrac{1}{n} \#\{i : g_i \in \textstyle\bigcup_j B_k(r_j)\} &
    \mathrm{recall} &= \tfrac{1}{n} \#\{j : r_j \in \textstyle\bigcup_i B_k(g_i)\} \\
    \mathrm{density} &= \tfrac{1}{K n} \#\{(i, j) : g_i \in B_K(r_j)\} &
    \mathrm{coverage} &= \tfrac{1}{n} \#\{j : \exists i, g_i \in B_K(r_j)\}

with k = 3 for precision and recall, K = 5 for density and coverage.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from ganexp.config.types import PositiveInt, Probability
from ganexp.metrics.base import Goal
from ganexp.metrics.features import FeatureMetric, exact_device, kept, some
from ganexp.metrics.reference import Reference, Samples

# Rows of the matrix of distances that are held at a time.
ROWS = 1000


class Balls(NamedTuple):
    """Vectors (N, D), and the distances to their k-th and K-th nearest neighbours (N,)."""

    vectors: Tensor
    near: Tensor
    far: Tensor


class PRDC(FeatureMetric):
    """Precision and recall, density and coverage of the samples among the real images.

    Precision and density ask whether samples look real, recall and coverage whether all that is real is sampled. Real images
    score about 1 in density and 1 - 2^-K in coverage (0.97), whatever their number; in precision and recall about as much as
    each other. Density may exceed 1, where samples crowd in the midst of the real ones; so it ranks no models. Samples and
    training images are compared in equal numbers, as the numbers depend on it.

    References:
        Improved Precision and Recall Metric for Assessing Generative Models (Kynkäänniemi et al., 2019)
        https://arxiv.org/abs/1904.06991

        Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020)
        https://arxiv.org/abs/2002.09797

    Arguments:
        most: Samples, and training images, that are compared at most; the cost grows with its square.
        k: Neighbours of precision and recall.
        k_density: Neighbours of density and coverage.
        least_recall: Narrow: recall is a smaller fraction of that of held-out images.
    """

    goals: ClassVar[dict[str, Goal]] = {"coverage": "max", "precision": "max", "recall": "max"}

    def __init__(
        self,
        most: PositiveInt = 10_000,
        k: PositiveInt = 3,
        k_density: PositiveInt = 5,
        least_recall: Probability = 0.5,
    ) -> None:
        self.most, self.k, self.k_density, self.least_recall = most, k, k_density, least_recall

    @property
    def least(self) -> int:
        """One more than the neighbours that are looked for."""
        return max(self.k, self.k_density) + 1

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return `precision`, `recall`, `density`, `coverage`; NaN where there are no more samples than neighbours."""
        count = len(reference.real("train", min(self.most, len(samples))))
        if count <= max(self.k, self.k_density):
            return dict.fromkeys(("precision", "recall", "density", "coverage"), math.nan)
        real = self._real(reference, count)
        generated = self._balls(samples.features.vectors[some(len(samples), count)].to(real.vectors))
        covered = recalled = torch.zeros(count, dtype=torch.bool, device=real.vectors.device)
        precise = density = 0
        for start in range(0, count, ROWS):
            distances = torch.cdist(generated.vectors[start : start + ROWS], real.vectors)
            within = distances <= real.far
            density += int(within.sum())
            covered = covered | within.any(0)
            precise += int((distances <= real.near).any(1).sum())
            recalled = recalled | (distances <= generated.near[start : start + ROWS, None]).any(0)
        return {
            "precision": precise / count,
            "recall": float(recalled.double().mean()),
            "density": density / (self.k_density * count),
            "coverage": float(covered.double().mean()),
        }

    def narrowness(self, values: dict[str, float], real: dict[str, float]) -> str | None:
        """Say how much less recall there is than held-out images have.

        Arguments:
            values: What a call returned.
            real: What it returned of held-out images.
        """
        recall, floor = values["recall"], real.get("recall", math.nan)
        if recall < self.least_recall * floor:  # false where one is no number
            return f"the samples are less diverse than the data: recall is {recall:.2f}, of held-out images {floor:.2f}"
        return None

    @kept
    def _real(self, reference: Reference, count: int) -> Balls:
        vectors = reference.real("train", count).features.vectors
        return self._balls(vectors.to(exact_device(reference), torch.float64))

    def _balls(self, vectors: Tensor) -> Balls:
        most = max(self.k, self.k_density)
        # The nearest of all is the vector itself.
        found = [torch.cdist(part, vectors).topk(most + 1, largest=False).values for part in vectors.split(ROWS)]
        distances = torch.cat(found)
        return Balls(vectors, distances[:, self.k], distances[:, self.k_density])
