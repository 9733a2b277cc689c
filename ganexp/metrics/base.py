"""The one interface of every metric."""

from abc import ABC, abstractmethod

from torch import Tensor

from ganexp.data.base import Data


class Metric(ABC):
    """A measure of generated samples against what is known of the data."""

    def check(self, data: Data) -> None:  # noqa: B027 (most metrics take any data)
        """Refuse data that the metric cannot judge.

        Raises:
            ConfigError: It cannot.
        """

    @abstractmethod
    def __call__(self, samples: Tensor, data: Data) -> dict[str, float]:
        """Return named values for decoded samples with shape (N, *shape)."""

    def verdict(self, values: dict[str, float]) -> str | None:
        """Say in one sentence what is wrong with the samples of the last call, such as mode collapse; None: nothing.

        Arguments:
            values: What that call returned.
        """
        return None
