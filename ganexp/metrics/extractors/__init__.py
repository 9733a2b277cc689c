"""Feature extractors: networks whose outputs metrics compare."""

from ganexp.metrics.extractors.base import Extractor, Features
from ganexp.metrics.extractors.classifier import Classifier
from ganexp.metrics.extractors.inception import Inception

__all__ = ["Classifier", "Extractor", "Features", "Inception"]
