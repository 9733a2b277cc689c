r"""Kernel distance of features: KID.

Contract: with m features :math:`g_i` of samples, m features :math:`r_i` of training images, all drawn without replacement, and
:math:`k(a, b) = (a^\top b / D + 1)^3` of vectors of size D,

.. math:: \mathrm{KID} = \frac{1}{m (m - 1)} \sum_{i \ne j} \bigl(k(g_i, g_j) + k(r_i, r_j)\bigr)
          - \frac{2}{m^2} \sum_{i, j} k(g_i, r_j),

averaged over several such draws. Its expectation is 0 between equal distributions, whatever m is.
"""

import math
import warnings
from typing import ClassVar

import torch

from ganexp.config.types import PositiveInt
from ganexp.metrics.base import Goal
from ganexp.metrics.features import AsTheyAre, FeatureMetric, exact_device, fixed_draws
from ganexp.metrics.reference import KEPT, Reference, Samples


class KID(FeatureMetric):
    """The unbiased squared maximum mean discrepancy of features under a cubic kernel; 0 is best, and it may be below.

    Computed by torchmetrics, in float64; the draws are always the same. Values of different numbers of samples compare, those
    of different extractors do not. Only with `extractor=inception` is it the KID of the literature.

    References:
        Demystifying MMD GANs (Bińkowski et al., 2018)
        https://arxiv.org/abs/1801.01401

    Arguments:
        subsets: Number of draws.
        subset_size: Samples, and training images, per draw; all where there are fewer.
    """

    goals: ClassVar[dict[str, Goal]] = {"kid": "min"}

    def __init__(self, subsets: PositiveInt = 100, subset_size: PositiveInt = 1000) -> None:
        self.subsets, self.subset_size = subsets, subset_size

    @property
    def least(self) -> int:
        """Two: one has no spread."""
        return 2

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return `kid`, and as a detail `kid/sd`, its standard deviation over the draws; NaN of a single sample."""
        # Imported late, as every image metric comes with it.
        from torchmetrics.image.kid import KernelInceptionDistance

        generated = samples.features.vectors.to(exact_device(reference), torch.float64)
        real = reference.real("train", KEPT).features.vectors.to(generated)
        size = min(self.subset_size, len(generated), len(real))
        if size < 2:
            return {"kid": math.nan, "kid/sd": math.nan}
        with warnings.catch_warnings(), fixed_draws():
            warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save all", UserWarning)
            distance = KernelInceptionDistance(AsTheyAre(generated.shape[1]), self.subsets, size)
            distance.update(real, real=True)
            distance.update(generated, real=False)
            mean, deviation = distance.compute()
        return {"kid": float(mean), "kid/sd": float(deviation)}
