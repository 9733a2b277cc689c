r"""What a classifier learns from the samples: the classification accuracy score.

Contract: a classifier :math:`f` that is trained on nothing but the samples and the labels that the generator was given for them
scores

.. math:: \mathrm{CAS} = P(f(x) = y)

over the real images x of the test split, with classes y.
"""

from typing import ClassVar

from ganexp.config.types import PositiveInt
from ganexp.data.base import Split
from ganexp.metrics.base import Goal, Metric
from ganexp.metrics.extractors.convnet import accuracy, train
from ganexp.metrics.reference import Reference, Samples


class CAS(Metric):
    """Trains on fake, tests on real: the accuracy on real test images of a classifier that only saw samples; high is good.

    Only for models that take labels; others score nothing. What samples lack (a class, a style, sharpness), the classifier
    cannot learn. Compare with what as many real training images score; values of different numbers of samples do not compare.
    The classifier and its training are those of `extractor=classifier`, shorter, from one fixed seed.

    References:
        Classification Accuracy Score for Conditional Generative Models (Ravuri & Vinyals, 2019)
        https://arxiv.org/abs/1905.10887

    Arguments:
        seen: Samples that the classifier learns from, repetitions counted.
    """

    goals: ClassVar[dict[str, Goal]] = {"cas": "max"}
    floor: ClassVar[Split] = "train"

    def __init__(self, seen: PositiveInt = 30_000) -> None:
        self.seen = seen

    def check(self, reference: Reference) -> None:
        """Refuse data that is not images with labels.

        Raises:
            ConfigError: It is not.
        """
        reference.check_classes()

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return `cas`, in [0, 1]; nothing of samples without labels."""
        if samples.y is None or not len(samples):
            return {}
        network = train(samples.raw, samples.y, reference.data.num_classes, self.seen)
        images, labels = reference.data.load("test")
        assert labels is not None
        return {"cas": accuracy(network, images, labels)}
