r"""Fréchet distance of features: FID.

Contract: with mean and covariance :math:`(\mu_g, \Sigma_g)` of the samples' features and :math:`(\mu_r, \Sigma_r)` of those of
the whole training split,

.. math:: \mathrm{FID} = \lVert \mu_g - \mu_r \rVert^2
          + \operatorname{tr}\bigl(\Sigma_g + \Sigma_r - 2 (\Sigma_g \Sigma_r)^{1/2}\bigr).
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ganexp.metrics.base import Goal
from ganexp.metrics.features import AsTheyAre, FeatureMetric
from ganexp.metrics.reference import Moments, Reference, Samples


class FID(FeatureMetric):
    """The Fréchet distance between Gaussians with the moments of the samples' features and of the real ones; 0 is best.

    Computed by torchmetrics, in float64. Of fewer samples it is larger (the bias falls as 1/N): only values of equally many
    samples and of the same extractor compare, and real held-out images do not score 0. Only with `extractor=inception` is it
    the FID of the literature.

    References:
        GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium (Heusel et al., 2017)
        https://arxiv.org/abs/1706.08500

        Effectively Unbiased FID and Inception Score and where to find them (Chong & Forsyth, 2020)
        https://arxiv.org/abs/1911.07023
    """

    goals: ClassVar[dict[str, Goal]] = {"fid": "min"}

    @property
    def least(self) -> int:
        """Two: one has no spread."""
        return 2

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return `fid`, at least 0 up to rounding, in squared units of the features; NaN of a single sample."""
        return {"fid": frechet_distance(samples.features.vectors, reference.moments)}


def frechet_distance(vectors: Tensor, real: Moments) -> float:
    """Return the Fréchet distance between features with shape (N, D) and real ones; NaN where either has less than two."""
    # Imported late, as every image metric comes with it.
    from torchmetrics.image.fid import FrechetInceptionDistance

    if min(len(vectors), real.size) < 2:
        return math.nan
    distance = FrechetInceptionDistance(AsTheyAre(vectors.shape[1]))
    # The state of a metric that has seen all real features.
    state = {
        "real_features_num_samples": torch.tensor(real.size),
        "real_features_sum": real.size * real.mean,
        "real_features_cov_sum": (real.size - 1) * real.covariance + real.size * real.mean.outer(real.mean),
    }
    distance.load_state_dict(state)
    distance.update(vectors.double(), real=False)
    return float(distance.compute())
