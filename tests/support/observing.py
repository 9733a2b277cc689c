"""A model that observes values of its own."""

import torch

from ganexp.models import GAN


class Observing(GAN):
    """A GAN that observes how far it has come, before each iteration."""

    def training_step(self, group, batch_idx):
        """Observe two elements, and train."""
        self.observe("my/own/tag", torch.tensor([0.0, 2.0 * self.counters.iteration]))
        return super().training_step(group, batch_idx)
