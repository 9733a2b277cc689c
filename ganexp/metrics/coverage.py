"""The share of the real points that samples come near.

Contract: with as many real points of the training split as samples, r_1 to r_n, and d_j the distance from r_j to its k-th
nearest neighbour among them,

    coverage = 1/n sum_j [min_i |x_i - r_j| <= d_j].

The expectation for independent samples of the true distribution is 1 - (n - 1)...(n - k) / ((2n - 1)...(2n - k)), about
1 - 2^-k, whatever that distribution is.
"""

from typing import ClassVar

import numpy as np

from ganexp.config.types import PositiveInt
from ganexp.metrics.base import Goal
from ganexp.metrics.distances import PointMetric, real_points
from ganexp.metrics.features import kept, some
from ganexp.metrics.reference import Reference, Samples


class PointCoverage(PointMetric):
    """Measures the share of the real points in whose neighbourhood there is a sample.

    It sees, on the scale of a few neighbours' distance, what is missing: modes, arms, and the outer parts of a shape whose
    samples are too thin, on which :class:`ganexp.metrics.MassOutside` is blind. Samples too many do not count.

    References:
        Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020)
        https://arxiv.org/abs/2002.09797

    Arguments:
        neighbours: Number of real neighbours that a neighbourhood reaches to, k.
        most: Samples, and real points, that are looked at, at most.
    """

    goals: ClassVar[dict[str, Goal]] = {"coverage": "max"}

    def __init__(self, neighbours: PositiveInt = 5, most: PositiveInt = 10_000) -> None:
        self.neighbours, self.most = neighbours, most

    @property
    def least(self) -> int:
        """One more than the neighbours that are looked for."""
        return self.neighbours + 1

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Measure points; those that are not finite cover nothing.

        Returns:
            `coverage`: in [0, 1]; NaN where there are no more samples or real points than neighbours.
        """
        self.check(reference)
        points = samples.x.cpu()[some(len(samples), self.most)]
        real, radii = self._real(reference, len(points))
        if not len(radii):
            return {"coverage": float("nan")}
        points = points[points.isfinite().all(1)]
        nearest = _distances(real, points.double().numpy(), 1) if len(points) else np.inf
        return {"coverage": float(np.mean(nearest <= radii))}

    @kept
    def _real(self, reference: Reference, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return real points (float64, (n, D)) and the radii of their neighbourhoods (n,), empty where there are too few."""
        real = real_points(reference, count).double().numpy()
        if len(real) <= self.neighbours:
            return real, np.empty(0)
        # The nearest of all is the point itself.
        return real, _distances(real, real, self.neighbours + 1)


def _distances(of: np.ndarray, to: np.ndarray, k: int) -> np.ndarray:
    """Return the distances of points (N, D) to the k-th nearest of others (M, D), with shape (N,)."""
    from scipy.spatial import KDTree  # type: ignore[import-untyped]

    return KDTree(to).query(of, [k])[0][:, 0]
