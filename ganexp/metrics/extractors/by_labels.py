"""The extractor that fits the data."""

from torch import Tensor

from ganexp.data.images import Images
from ganexp.metrics.extractors.base import Extractor, Features


class ByLabels(Extractor):
    """Stands for one extractor where the data has labels, and for another where it has none; sees nothing itself.

    Arguments:
        labelled: For data with labels.
        unlabelled: For data without.
    """

    name = "auto"
    knows_classes = False

    def __init__(self, labelled: Extractor, unlabelled: Extractor) -> None:
        self._labelled, self._unlabelled = labelled, unlabelled

    def fitting(self, data: Images) -> Extractor:
        """Return the one that fits."""
        return (self._labelled if data.num_classes else self._unlabelled).fitting(data)

    def prepare(self, data: Images) -> None:
        raise NotImplementedError

    @property
    def identity(self) -> dict[str, str | float]:
        raise NotImplementedError

    def __call__(self, images: Tensor) -> Features:
        raise NotImplementedError
