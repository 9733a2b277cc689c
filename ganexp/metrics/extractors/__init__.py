"""Feature extractors: networks whose outputs metrics compare."""

from ganexp.metrics.extractors.base import Extractor, Features, ForData
from ganexp.metrics.extractors.by_labels import ByLabels
from ganexp.metrics.extractors.classifier import Classifier
from ganexp.metrics.extractors.inception import Inception
from ganexp.metrics.extractors.rotations import Rotations
from ganexp.metrics.extractors.timm import Timm

__all__ = ["ByLabels", "Classifier", "Extractor", "Features", "ForData", "Inception", "Rotations", "Timm"]
