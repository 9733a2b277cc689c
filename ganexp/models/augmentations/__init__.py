"""Augmentations of the discriminator's input: one file for each."""

from ganexp.models.augmentations.base import Augmentation

__all__ = ["Augmentation"]
