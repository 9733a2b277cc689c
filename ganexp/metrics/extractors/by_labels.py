"""The extractor that fits the data."""

from ganexp.data.images import Images
from ganexp.metrics.extractors.base import Extractor, ForData


class ByLabels(ForData):
    """One extractor where the data has labels, and another where it has none.

    Arguments:
        labelled: For data with labels.
        unlabelled: For data without.
    """

    def __init__(self, labelled: ForData, unlabelled: ForData) -> None:
        self._labelled, self._unlabelled = labelled, unlabelled

    def fitting(self, data: Images) -> Extractor:
        """Return the one that fits."""
        return (self._labelled if data.num_classes else self._unlabelled).fitting(data)
