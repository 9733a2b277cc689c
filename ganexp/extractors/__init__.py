"""Networks that see what is in an image: metrics compare what they see."""

from ganexp.extractors.base import Extractor, Features
from ganexp.extractors.classifier import Classifier
from ganexp.extractors.inception import Inception

__all__ = ["Classifier", "Extractor", "Features", "Inception"]
