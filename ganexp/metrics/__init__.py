"""Measures of generated samples: plain torch, usable without a trainer."""

from ganexp.metrics.base import Metric
from ganexp.metrics.modes import ModeCoverage

__all__ = ["Metric", "ModeCoverage"]
