"""What is done to samples before the discriminator sees them: one file for each."""

from ganexp.models.augmentations.base import Augmentation

__all__ = ["Augmentation"]
