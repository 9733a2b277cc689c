"""The one interface of every augmentation."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Augmentation(nn.Module, ABC):
    """Change samples at random, differentiably, before the discriminator sees them: real and generated ones alike.

    Gradients pass through it to the generator, and penalties on gradients go through it to the samples as they were. Sampling,
    metrics and pictures never see it. What it remembers belongs in buffers; numbers kept as attributes may have a schedule.

    Attributes:
        random: Where random numbers come from: ``torch.rand(..., generator=self.random)``; None: torch's global generator.
    """

    random: torch.Generator | None = None

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return changed samples with the shape (B, *shape) of ``x``, each changed by its own random numbers."""

    def look(self, logits: Tensor) -> dict[str, Tensor]:
        """Look at the logits with shape (B,) of real samples in an update of the discriminator.

        Returns:
            What the log should have, by its tag.
        """
        return {}

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse data to which the augmentation does not apply.

        Arguments:
            shape: Shape of one sample.

        Raises:
            ConfigError: It does not.
        """
