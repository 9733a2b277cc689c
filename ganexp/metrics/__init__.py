"""Measures of generated samples: plain torch, usable without a trainer."""

from ganexp.metrics.base import Metric
from ganexp.metrics.cas import CAS
from ganexp.metrics.class_fid import ClassFID
from ganexp.metrics.classes import Classes
from ganexp.metrics.coverage import PointCoverage
from ganexp.metrics.distances import MaximumMeanDiscrepancy, SlicedWasserstein
from ganexp.metrics.fid import FID
from ganexp.metrics.inception_score import InceptionScore
from ganexp.metrics.kid import KID
from ganexp.metrics.memorisation import Memorisation
from ganexp.metrics.modes import ModeCoverage
from ganexp.metrics.outside import MassOutside
from ganexp.metrics.prdc import PRDC
from ganexp.metrics.reference import Reference, Samples

__all__ = [
    "CAS",
    "FID",
    "KID",
    "PRDC",
    "ClassFID",
    "Classes",
    "InceptionScore",
    "MassOutside",
    "MaximumMeanDiscrepancy",
    "Memorisation",
    "Metric",
    "ModeCoverage",
    "PointCoverage",
    "Reference",
    "Samples",
    "SlicedWasserstein",
]
