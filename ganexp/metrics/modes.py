"""Coverage of the modes of a known mixture: which, how evenly, and how widely.

Contract: a sample belongs to the mode whose centre is nearest, and is of high quality within 3 standard deviations of it; a
mode is covered when a sample of high quality belongs to it. With n_k of the N finite samples in mode k of K, whose true
weight is w_k = 1/K, g_k = n_k / N and h_k = (n_k + 1) / (N + K),

    mode_kl = KL(g || w) = sum_k g_k log(g_k / w_k),    mode_kl_reverse = KL(w || h) = sum_k w_k log(w_k / h_k),

so that the second stays finite where a mode has no sample. With x_i the samples of high quality and m_k the means of those in
each of the K' modes that have some,

    mode_spread^2 = sum_i |x_i - m_k(i)|^2 / (D (N_high - K')) / (sd^2 P(D/2 + 1, c) / P(D/2, c)),    c = 3^2 / 2,

the variance per coordinate, relative to that of a Gaussian in D dimensions cut off at 3 standard deviations, with P the
regularised incomplete gamma function. In the plane, P(1, c) = 1 - e^-c, and the last factor is 1 - c / (e^c - 1).
"""

import math
from typing import ClassVar

import torch

from ganexp.config.errors import ConfigError
from ganexp.config.types import Probability
from ganexp.data import Data, Mixture
from ganexp.metrics.base import Goal, Metric
from ganexp.metrics.reference import Reference, Samples

# Radius of high quality in standard deviations.
RADIUS = 3.0

# Between fewer modes, a large share says little; of fewer samples, a small one.
FEWEST = 4
DUE = 40


class ModeCoverage(Metric):
    """Counts the covered modes and the samples of high quality, and compares the modes' shares and widths with the true ones.

    In the plane, real points score 1 - exp(-9/2) = 0.989 in quality, cover every mode, and spread by 1; N of them, many more
    than there are modes, score about (K - 1) / 2N in both divergences.

    References:
        VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning (Srivastava et al., 2017)
        https://arxiv.org/abs/1705.07761

        PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018)
        https://arxiv.org/abs/1712.04086

    Arguments:
        least_covered: Mode collapse: a smaller fraction is covered of the modes that as many real points would cover.
        most_in_one: Mode collapse: one of four or more modes holds a larger share of the samples, and more than twice its due.
        least_spread: Narrow: the modes are less wide, relative to the true width.
        least_share: Narrow: a mode has a smaller fraction of its due, where that is ``DUE`` samples or more.
    """

    goals: ClassVar[dict[str, Goal]] = {"modes": "max", "high_quality": "max", "mode_kl": "min", "mode_kl_reverse": "min"}

    def __init__(
        self,
        least_covered: Probability = 0.6,
        most_in_one: Probability = 0.5,
        least_spread: Probability = 0.7,
        least_share: Probability = 0.5,
    ) -> None:
        self.least_covered, self.most_in_one = least_covered, most_in_one
        self.least_spread, self.least_share = least_spread, least_share

    def check(self, reference: Reference) -> None:
        """Refuse data whose modes are unknown.

        Raises:
            ConfigError: The data is not a mixture.
        """
        self._mixture(reference.data)

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Measure points; those that are not finite count as bad ones.

        Returns:
            `modes`: the number of covered modes. `high_quality`: the fraction of samples of high quality, in [0, 1].
            `mode_kl`: in nats, from 0 to log K. `mode_kl_reverse`: in nats, 0 or more. `mode_spread`: 0 or more; 1 is right,
            and 0 also where no mode has two samples of high quality. `modes/total`: the number of modes, K.
            `modes/expected`: how many of them as many real points would cover. `modes/largest`, `modes/smallest`: the largest
            and the smallest share of the finite samples in one mode; without any, as if all were in one. `modes/due`: samples
            in a mode if all had the same.
        """
        mixture = self._mixture(reference.data)
        points = samples.x
        points = points[points.isfinite().all(1)]
        centres = mixture.centres.to(points)
        # The matrix product of cdist's fast mode rounds distances away where sd is small.
        distance, nearest = torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1)
        good = distance <= RADIUS * mixture.sd
        total = len(centres)
        counts = nearest.bincount(minlength=total).double().cpu()
        if not len(points):
            counts[0] = len(samples)
        shares = counts / counts.sum()
        smooth = (counts + 1) / (counts.sum() + total)
        around = (points - centres[nearest])[good].double().cpu()
        owners = nearest[good].cpu()
        held = owners.bincount(minlength=total)
        covered = int((held > 0).sum())
        squares = around.square().sum() - (_sums(around, owners, total).square().sum(1) / held.clamp(min=1)).sum()
        freedom, dimension = len(owners) - covered, centres.shape[1]
        variance = max(0.0, float(squares)) / (dimension * freedom) if freedom else 0.0
        quality = _within(dimension)
        return {
            "modes": float(covered),
            "high_quality": len(owners) / len(samples),
            "mode_kl": max(0.0, float(torch.special.xlogy(shares, shares * total).sum())),
            "mode_kl_reverse": max(0.0, float(-(smooth * total).log().mean())),
            "mode_spread": math.sqrt(variance * quality / _within(dimension + 2)) / mixture.sd,
            "modes/total": float(total),
            "modes/expected": total * (1 - (1 - quality / total) ** len(samples)),
            "modes/largest": float(shares.max()),
            "modes/smallest": float(shares.min()),
            "modes/due": float(counts.sum()) / total,
        }

    def collapse(self, values: dict[str, float]) -> str | None:
        """Say how few modes are covered, or how much one of them holds.

        Arguments:
            values: What a call returned.
        """
        covered, total, largest = (values[name] for name in ("modes", "modes/total", "modes/largest"))
        if covered < self.least_covered * values["modes/expected"]:
            verb = "is" if covered == 1 else "are"
            return f"mode collapse: {covered:.0f} of {total:.0f} modes {verb} covered"
        if total >= FEWEST and largest > max(self.most_in_one, 2 / total):
            return f"mode collapse: 1 of {total:.0f} modes holds {100 * largest:.0f} % of the samples"
        return None

    def narrowness(self, values: dict[str, float], real: dict[str, float]) -> str | None:
        """Say how much too thin the modes are, or how little one of them has.

        Arguments:
            values: What a call returned.
            real: Not looked at: real points have the true width and weights.
        """
        spread, share = values["mode_spread"], values["modes/smallest"] * values["modes/total"]
        if spread < self.least_spread:
            return f"the modes are too thin: {spread:.2f} times as wide as the true ones"
        if values["modes/due"] >= DUE and share < self.least_share:
            return f"the weights of the modes are off: one has {100 * share:.0f} % of its due"
        return None

    def _mixture(self, data: Data) -> Mixture:
        if not isinstance(data, Mixture):
            raise ConfigError(
                "mode coverage needs data with known modes",
                "metrics",
                "data",
                hint="use data=ring or data=grid, or metrics=none",
            )
        return data


def _within(dimension: int) -> float:
    """Return the mass of a standard Gaussian within the radius."""
    from scipy.special import gammainc  # type: ignore[import-untyped]

    return float(gammainc(dimension / 2, RADIUS**2 / 2))


def _sums(points: torch.Tensor, owners: torch.Tensor, total: int) -> torch.Tensor:
    """Add up the points (N, D) of each owner; returns shape (total, D)."""
    return torch.zeros(total, points.shape[1], dtype=points.dtype).index_add_(0, owners, points)
