"""Regularizers of gradients, logits and weights, beside the loss: one file for each family."""

from ganexp.models.regularizers.base import Regularizer
from ganexp.models.regularizers.gradient import R1, R1R2, Dragan, GradientPenalty
from ganexp.models.regularizers.weight_clip import WeightClip

__all__ = ["R1", "R1R2", "Dragan", "GradientPenalty", "Regularizer", "WeightClip"]
