r"""How sure an extractor is of single samples and how unsure of all together: the inception score.

Contract: with the probabilities :math:`p(y | x)` of the extractor's classes and their mean :math:`p(y)` over a part of the
samples,

.. math:: \mathrm{IS} = \exp \frac{1}{N} \sum_x \mathrm{KL}\bigl(p(y | x) \,\Vert\, p(y)\bigr),

averaged over the parts, equal shares of the samples in random order.
"""

import math
import warnings
from typing import ClassVar

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.metrics.base import Goal
from ganexp.metrics.features import AsTheyAre, FeatureMetric, fixed_draws
from ganexp.metrics.reference import Reference, Samples

# The smallest logarithm of a probability: exp(-700) is still a number of float64, with all its digits.
LEAST = -700.0


class InceptionScore(FeatureMetric):
    """The inception score, from 1 to the number of the extractor's classes; high is good.

    Computed by torchmetrics, in float64; the order is always the same. It knows nothing of the data: see what real images
    score. Of fewer samples it is smaller: only values of equally many samples and parts and of the same extractor compare. Only
    with `extractor=inception` is it the score of the literature.

    References:
        Improved Techniques for Training GANs (Salimans et al., 2016)
        https://arxiv.org/abs/1606.03498

        A Note on the Inception Score (Barratt & Sharma, 2018)
        https://arxiv.org/abs/1801.01973

    Arguments:
        splits: Number of parts; one sample each where there are fewer.
    """

    goals: ClassVar[dict[str, Goal]] = {"inception_score": "max"}

    def __init__(self, splits: PositiveInt = 10) -> None:
        self.splits = splits

    def check(self, reference: Reference) -> None:
        """Refuse an extractor whose classes are no kinds of things.

        Raises:
            ConfigError: It is one, or sees nothing in the data.
        """
        super().check(reference)
        if reference.extractor is None or not reference.extractor.names_things:
            hint = "use extractor=inception, or other metrics"
            raise ConfigError("the extractor's classes are no kinds of things", "metrics", "extractor", hint=hint)

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return `inception_score`, and as a detail `inception_score/sd`, its deviation over the parts (NaN of one)."""
        # Imported late, as every image metric comes with it.
        from torchmetrics.image.inception import InceptionScore as Score

        # A probability that is 0 in float64 would have no logarithm.
        logits = samples.features.logits.double().log_softmax(1).clamp(min=LEAST)
        if not len(logits):
            return {"inception_score": math.nan, "inception_score/sd": math.nan}
        with warnings.catch_warnings(), fixed_draws():
            warnings.filterwarnings("ignore", "Metric `InceptionScore` will save all", UserWarning)
            warnings.filterwarnings("ignore", r"std\(\): degrees of freedom is <= 0", UserWarning)
            score = Score(AsTheyAre(logits.shape[1]), self.splits)
            score.update(logits)
            mean, deviation = score.compute()
        return {"inception_score": float(mean), "inception_score/sd": float(deviation)}
