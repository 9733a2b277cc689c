"""The one interface of every metric.

Contract: a metric is a function of the samples and of the reference alone; it changes neither, nor any random state.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from ganexp.data.base import Split
from ganexp.metrics.reference import Reference, Samples

Goal = Literal["min", "max"]


class Metric(ABC):
    """A measure of generated samples against what is known of the data.

    Attributes:
        goals: Of the values by which one model is better than another: whether lower (`min`) or higher (`max`) is better.
            The first is the one by which the best checkpoint is chosen, by default.
        needs_features: Whether it looks at the features of an extractor.
        floor: The split of real samples that shows what a perfect generator would score: held-out ones, unless the metric
            needs them itself.
    """

    goals: ClassVar[dict[str, Goal]] = {}
    needs_features: ClassVar[bool] = False
    floor: ClassVar[Split] = "test"

    @property
    def least(self) -> int:
        """The fewest samples, and training samples, of which its values are numbers."""
        return 1

    def check(self, reference: Reference) -> None:  # noqa: B027 (most metrics take any data)
        """Refuse data or an extractor with which the metric cannot judge, before any work is done.

        Raises:
            ConfigError: It cannot.
        """

    @abstractmethod
    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return named values; a name with a slash, such as `share/7`, is a detail, kept but not shown in tables."""

    def collapse(self, values: dict[str, float]) -> str | None:
        """Say in one sentence which collapse of diversity these values show; None: none.

        Arguments:
            values: What a call returned.
        """
        return None

    def narrowness(self, values: dict[str, float], real: dict[str, float]) -> str | None:
        """Say in one sentence how samples that are no collapse are less spread than the data; None: they are not.

        Arguments:
            values: What a call returned.
            real: What it returned of real samples, without what is no number.
        """
        return None
