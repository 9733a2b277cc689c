r"""Coverage of the classes of labelled images, as a classifier sees them.

Contract: a sample has the class with the largest logit; with g_c the share of class c among N samples and r_c its share of the
training images, a class is covered when g_c > 0 and g_c >= r_c / 4, and

.. math:: \mathrm{class\_kl} = \sum_c g_c \log(g_c / r_c).

Of N real samples about :math:`\sum_c P(X_c \ge \max(1, N r_c / 4))` classes are covered, :math:`X_c` Poisson with mean
:math:`N r_c`.
"""

from typing import ClassVar

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import Probability
from ganexp.metrics.base import Goal
from ganexp.metrics.features import FeatureMetric, kept
from ganexp.metrics.reference import Reference, Samples

# Of its due share, what a class must have to be covered.
DUE = 0.25

# Between fewer classes, shares say little; more names than these make no sentence, and more classes no list.
FEWEST = 4
NAMES = 5
LISTED = 20


class Classes(FeatureMetric):
    """Compares the classes of the samples with those of the data: a collapsed model makes few of them.

    The extractor's classes decide (`extractor=classifier`). A sample that looks like nothing gets a class too, so this does not
    measure quality. The divergence of N real samples is about (K - 1) / 2N of K classes, not 0.

    Arguments:
        least_covered: It is mode collapse when fewer classes are covered than this fraction of what as many real samples cover.
        most_in_one: It is mode collapse when one class holds a larger share, and more than twice its due.

    References:
        PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018)
        https://arxiv.org/abs/1712.04086
    """

    goals: ClassVar[dict[str, Goal]] = {"class_kl": "min", "classes_covered": "max", "label_accuracy": "max"}

    def __init__(self, least_covered: Probability = 0.6, most_in_one: Probability = 0.5) -> None:
        self.least_covered, self.most_in_one = least_covered, most_in_one

    def check(self, reference: Reference) -> None:
        """Refuse data that is not images with labels, and an extractor that does not know them.

        Raises:
            ConfigError: It is not, or does not.
        """
        reference.check_classes()
        super().check(reference)
        if reference.extractor is None or not reference.extractor.knows_classes:
            hint = "use extractor=classifier, or other metrics"
            raise ConfigError("the extractor does not know the classes of the data", "metrics", "extractor", hint=hint)

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Measure samples.

        Returns:
            `classes_covered`: the number of covered classes. `class_kl`: the divergence from the data's frequencies in nats, at
            least 0. `largest_class`: the share of the most frequent class, in [0, 1]. `label_accuracy`, where the generator was
            given labels: the share of samples with the class that was asked for. Of more than 20 classes `classes_seen`: the
            number of classes with a sample, as papers on stacked MNIST count them.

            Details: `classes/total`: classes that the data has; `classes/expected`: what as many real samples cover, about;
            `classes/held`: the share of samples in covered classes; `due/largest_class`: the data's share of the most frequent
            class; and of up to 20 classes, each by name, `share/...`, `covered/...` (0 or 1) and `label_accuracy/...` (of
            classes that were asked for).
        """
        due, logits = self._frequencies(reference), samples.features.logits
        n, classes = len(logits), logits.argmax(1)
        # A classifier has no reason to see a class that the data has no image of; the divergence would be infinite.
        counts = classes.bincount(minlength=len(due)).double() * (due > 0)
        shares = counts / counts.sum().clamp(min=1)
        covered = (counts > 0) & (shares >= DUE * due)
        largest = int(shares.argmax())
        values = {
            "classes_covered": float(covered.sum()),
            "class_kl": float(torch.special.xlogy(shares, shares / due)[counts > 0].sum()),
            "largest_class": float(shares[largest]),
            "classes/total": float((due > 0).sum()),
            "classes/expected": float(torch.special.gammainc((DUE * n * due).ceil().clamp(min=1), n * due).sum()),
            "classes/held": float(shares[covered].sum()),
            "due/largest_class": float(due[largest]),
        }
        names = (reference.data.class_names or tuple(map(str, range(len(due))))) if len(due) <= LISTED else ()
        if not names:
            values["classes_seen"] = float((counts > 0).sum())
        for index, name in enumerate(names):
            values |= {f"share/{name}": float(shares[index]), f"covered/{name}": float(covered[index])}
        return values if samples.y is None else values | _accuracy(classes, samples.y, names)

    def collapse(self, values: dict[str, float]) -> str | None:
        """Say whether the samples are collapsed to few classes, and to which; where less than four are expected, nothing.

        Arguments:
            values: What a call returned.
        """
        total, covered = int(values["classes/total"]), int(values["classes_covered"])
        shares = {name.partition("/")[2]: share for name, share in values.items() if name.startswith("share/")}
        if round(values["classes/expected"]) < FEWEST:
            return None
        if covered < self.least_covered * values["classes/expected"]:
            count, held = covered, values["classes/held"]
            names = [name for name in shares if values[f"covered/{name}"]]
        elif values["largest_class"] > max(self.most_in_one, 2 * values["due/largest_class"]):
            count, held = 1, values["largest_class"]
            names = [max(shares, key=lambda name: shares[name])] if shares else []
        else:
            return None
        listed = f" ({' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))})" if 0 < len(names) <= NAMES else ""
        subject = f"{count:,} of {total:,} classes{listed} {'holds' if count == 1 else 'hold'}"
        return f"mode collapse: {subject} {100 * held:.0f} % of the samples"

    @kept
    def _frequencies(self, reference: Reference) -> Tensor:
        """Return the shares of the classes of the whole training split (float64, (K,))."""
        labels = reference.data.load("train")[1]
        assert labels is not None
        return labels.bincount(minlength=reference.data.num_classes).double() / len(labels)


def _accuracy(classes: Tensor, asked: Tensor, names: tuple[str, ...]) -> dict[str, float]:
    right = (classes == asked).double()
    values = {"label_accuracy": float(right.mean())}
    for index, name in enumerate(names):
        if len(part := right[asked == index]):
            values[f"label_accuracy/{name}"] = float(part.mean())
    return values
