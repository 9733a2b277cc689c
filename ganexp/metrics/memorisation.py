r"""Whether a generator copies training images: distances to the nearest ones.

Contract: with :math:`d(x)` the Euclidean distance of the pixels of x to the nearest image of the whole training split, and
samples x as well as held-out images h,

.. math::
    \mathrm{nearest\_ratio} &= \operatorname{median}_x d(x) / \operatorname{median}_h d(h) \\
    \mathrm{copied} &= \tfrac{1}{N} \#\{x : d(x) \le q\}, \quad q \text{ the 1 \% quantile of } d(h).
"""

import math
from typing import ClassVar

from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.data import Images
from ganexp.metrics import neighbours
from ganexp.metrics.base import Goal, Metric
from ganexp.metrics.features import exact_device, kept, some
from ganexp.metrics.reference import Reference, Samples

# Of the held-out images, the share that would count as copied.
QUANTILE = 0.01


class Memorisation(Metric):
    """Compares how near samples come to training images with how near held-out images come; the search is exact.

    A model that has learned the distribution, not the images, scores about 1 and 0.01, as held-out images do. Copies push both
    towards 0 and 1. So does what has little detail: smooth or blurred samples are near to everything, so look at the neighbours
    (`python -m ganexp.sample neighbours=...`) before you say that a model copies. Images that are shifted or brightened are no
    copies to it.

    References:
        A Non-Parametric Test to Detect Data-Copying in Generative Models (Meehan, Chaudhuri & Dasgupta, 2020)
        https://arxiv.org/abs/2004.05675

    Arguments:
        most: Samples, and held-out images, whose neighbours are looked for at most.
    """

    goals: ClassVar[dict[str, Goal]] = {"copied": "min"}

    def __init__(self, most: PositiveInt = 1000) -> None:
        self.most = most

    def check(self, reference: Reference) -> None:
        """Refuse data that is not images.

        Raises:
            ConfigError: It is not.
        """
        if not isinstance(reference.data, Images):
            raise ConfigError("memorisation is measured on images only", "metrics", "data", hint="use other metrics")

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return `nearest_ratio`, at least 0, and `copied`, in [0, 1]; NaN without samples or held-out images."""
        chosen = samples.raw[some(len(samples), self.most)]
        held_out = self._held_out(reference)
        if not len(chosen) or not len(held_out):
            return {"nearest_ratio": math.nan, "copied": math.nan}
        distances = self._distances(reference, chosen)
        return {
            "nearest_ratio": float(distances.median() / held_out.median()),
            "copied": float((distances <= held_out.quantile(QUANTILE)).double().mean()),
        }

    @kept
    def _held_out(self, reference: Reference) -> Tensor:
        return self._distances(reference, reference.real("test", self.most).raw)

    @kept
    def _training(self, reference: Reference) -> neighbours.Reference:
        return neighbours.Reference(reference.data, 1)

    def _distances(self, reference: Reference, raw: Tensor) -> Tensor:
        """Return the distances of raw images to the nearest training images (float64, (N,))."""
        x = reference.data.decode(raw.to(exact_device(reference)))
        return self._training(reference).nearest(x).distances[:, 0].double()
