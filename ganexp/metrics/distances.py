"""Distances between generated and real points, both ways: missing, misplaced and thinned mass all count.

Contract: with P the samples and R the reference, the first ``references`` of the real points of the training split in the
fixed order of :meth:`ganexp.metrics.reference.Reference.real`, and u_l unit vectors, in the plane at the angles
pi (l + 1/2) / L, else drawn once for all,

    sliced_wasserstein = 1/L sum_l W1(P u_l, R u_l),    W1(p, r) = int_0^1 |F_p^-1(t) - F_r^-1(t)| dt,

exact on every line, whatever the numbers of points; and with n samples x_i, m points r_j and the kernel

    k(x, y) = 1/4 sum_b exp(-|x - y|^2 / (2 b^2)),    b = s, s/4, s/16, s/64,

where s^2 is half the sum of the variances of R's coordinates: in the plane, their mean,

    mmd_squared = sum_{i!=j} k(x_i, x_j) / (n (n - 1)) + sum_{i!=j} k(r_i, r_j) / (m (m - 1)) - 2 sum_ij k(x_i, r_j) / (n m).
"""

import math
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.data import Points
from ganexp.metrics.base import Goal, Metric
from ganexp.metrics.features import kept, some
from ganexp.metrics.reference import Reference, Samples

# Real points that are drawn from the training split, once for all metrics.
REAL = 25_000

# Widths of the kernel: each a quarter of the one before, so that its value is the 16th power.
WIDTHS = 4

# Pairs whose kernel is computed at a time: so many stay in the processor's cache.
PAIRS = 2**17

# Kernel values below this are raised to it before the 16th power, 1e-32: smaller powers are slow, being denormal.
LEAST = 1e-2


class PointMetric(Metric):
    """A metric that compares points with real ones of the training split."""

    def check(self, reference: Reference) -> None:
        """Refuse data that is not points.

        Raises:
            ConfigError: It is not.
        """
        if not isinstance(reference.data, Points):
            raise ConfigError("this needs points", "metrics", "data", hint="use metrics=images or metrics=none")


def real_points(reference: Reference, most: int) -> Tensor:
    """Return the first real points of the training split (float32, (M, D)), which is read once for all metrics."""
    return reference.real("train", max(REAL, most)).x[:most]


class SlicedWasserstein(PointMetric):
    """Measures by how much the samples would have to be moved to become the real points, as seen from all sides.

    In the units of the data: 0 for equal sets, and where a share e of the samples belongs a distance d away, in the plane about
    0.64 e d.
    W1 rather than W2, whose noise is far larger where the data comes in clusters: there, with n samples, it falls as n^(-1/4).

    References:
        Sliced and Radon Wasserstein Barycenters of Measures (Bonneel et al., 2015)
        https://doi.org/10.1007/s10851-014-0506-3

        Generative Modeling using the Sliced Wasserstein Distance (Deshpande et al., 2018)
        https://arxiv.org/abs/1803.11188

    Arguments:
        directions: Number of lines on which the points are projected.
        references: Real points of the training split with which samples are compared, at most.
    """

    goals: ClassVar[dict[str, Goal]] = {"sliced_wasserstein": "min"}

    def __init__(self, directions: PositiveInt = 32, references: PositiveInt = 25_000) -> None:
        self.directions, self.references = directions, references

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Measure points.

        Returns:
            `sliced_wasserstein`: the distance, 0 or more; infinite when a sample is not finite.
        """
        self.check(reference)
        points = samples.x.cpu()
        if not points.isfinite().all():
            return {"sliced_wasserstein": math.inf}
        quantiles, real, mass = self._match(reference, len(points))
        apart = self._project(points).index_select(1, quantiles).sub_(real).abs_()
        return {"sliced_wasserstein": float((apart @ mass).mean())}

    @kept
    def _match(self, reference: Reference, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the samples' quantiles, with what they are to be compared and the mass that it holds."""
        real = self._real(reference)
        quantiles, real_quantiles, mass = _couple(n, real.shape[1])
        return quantiles, real[:, real_quantiles], mass

    @kept
    def _real(self, reference: Reference) -> Tensor:
        return self._project(real_points(reference, self.references))

    def _project(self, points: Tensor) -> Tensor:
        """Return the coordinates of points (N, D) along each direction, sorted, with shape (L, N)."""
        # NumPy sorts floats several times as fast.
        return torch.from_numpy(np.sort((points @ self._lines(points.shape[1])).T.contiguous().numpy(), axis=1))

    def _lines(self, dimension: int) -> Tensor:
        """Return the directions as columns (D, L)."""
        if dimension == 2:
            angles = (torch.arange(self.directions, dtype=torch.float64) + 0.5) * (math.pi / self.directions)
            return torch.stack([angles.cos(), angles.sin()]).float()
        drawn = torch.randn(dimension, self.directions, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        return (drawn / drawn.norm(dim=0)).float()


class _Real(NamedTuple):
    """What the kernel knows of the real points."""

    points: Tensor
    width: float
    similarity: float  # the mean of k over pairs of different real points


class MaximumMeanDiscrepancy(PointMetric):
    """Compares how similar points are to each other: samples among themselves, real ones, and samples with real ones.

    The largest width of the kernel sees where the mass is, the smallest how thick it is there. Unbiased, so that samples of
    the true distribution score around 0, also below it; at most about 2.

    References:
        A Kernel Two-Sample Test (Gretton et al., 2012)
        https://jmlr.org/papers/v13/gretton12a.html

    Arguments:
        most: Samples that are looked at, from all over, at most: the cost goes with its square.
        references: Real points of the training split with which they are compared, at most.
    """

    goals: ClassVar[dict[str, Goal]] = {"mmd_squared": "min"}

    def __init__(self, most: PositiveInt = 1000, references: PositiveInt = 1000) -> None:
        self.most, self.references = most, references

    @property
    def least(self) -> int:
        """Two: one has no spread."""
        return 2

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Measure points; those that are not finite are infinitely far from all others: similar to none.

        Returns:
            `mmd_squared`: the squared discrepancy; NaN when there are less than two samples or real points.
        """
        self.check(reference)
        real = self._real(reference)
        points = samples.x.cpu()[some(len(samples), self.most)]
        n = len(points)
        points = points[points.isfinite().all(1)]
        if n < 2:
            return {"mmd_squared": math.nan}
        within = (_similarity(points, points, real.width) - len(points)) / (n * (n - 1))
        between = _similarity(points, real.points, real.width) / (n * len(real.points))
        return {"mmd_squared": within + real.similarity - 2 * between}

    @kept
    def _real(self, reference: Reference) -> _Real:
        points = real_points(reference, self.references)
        m = len(points)
        width = math.sqrt(float(points.var(0, correction=0).sum() / 2)) or 1.0
        return _Real(points, width, (_similarity(points, points, width) - m) / (m * (m - 1)) if m > 1 else math.nan)


def _couple(n: int, m: int) -> tuple[Tensor, Tensor, Tensor]:
    """Match n sorted points with m, by quantiles: both indices of every match, and the mass that it holds, with shape (P,)."""
    # In units of 1 / (n m) of the mass, the quantile functions step at the multiples of m and of n.
    steps = torch.cat([torch.arange(n) * m, torch.arange(m) * n]).unique()
    mass = torch.diff(steps, append=torch.tensor([n * m]))
    return steps // m, steps // n, (mass.double() / (n * m)).float()


def _similarity(x: Tensor, y: Tensor, width: float) -> float:
    """Return the sum of k over all pairs of points with shapes (N, D) and (M, D)."""
    total = 0.0
    for part in x.split(max(1, PAIRS // max(1, len(y)))):
        squared = (part[:, None, 0] - y[:, 0]).square_()
        for k in range(1, y.shape[1]):
            squared.add_((part[:, None, k] - y[:, k]).square_())
        kernel = squared.mul_(-0.5 / width**2).exp_()
        total += float(kernel.sum())
        for _ in range(WIDTHS - 1):
            kernel.clamp_(min=LEAST)
            for _ in range(4):
                kernel.square_()
            total += float(kernel.sum())
    return total / WIDTHS
