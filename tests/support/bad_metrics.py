"""A metric and an extractor that fail."""

import sys

from ganexp.config.errors import ConfigError
from ganexp.metrics import Metric
from ganexp.metrics.extractors import Classifier


class Broken(Metric):
    """Fails while it measures."""

    def __call__(self, samples, reference):
        raise RuntimeError("a bad number")


class Offline(Classifier):
    """Cannot be prepared, and says each time that it was asked for."""

    def prepare(self, data):
        print("asked", file=sys.stderr)
        raise ConfigError("the machine is offline", "extractor")
