"""Measures of generated samples: plain torch, usable without a trainer."""

from ganexp.metrics.base import Metric
from ganexp.metrics.classes import ClassCoverage
from ganexp.metrics.modes import ModeCoverage
from ganexp.metrics.outside import MassOutside

__all__ = ["ClassCoverage", "MassOutside", "Metric", "ModeCoverage"]
