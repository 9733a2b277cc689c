"""The discriminator's outputs for samples: computed once, for all terms of an update."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

Critic = Callable[[Tensor, Tensor], Tensor]
"""Maps samples with shape (B, *shape) and labels with shape (B,) to the logits of "real" with shape (B,)."""


class Judge(Protocol):
    """The only access to the discriminator."""

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the discriminator's outputs with shape (B, outputs)."""

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit of "real" with shape (B,) that the outputs stand for."""


class Judged:
    """Samples and the discriminator's outputs for them: one forward pass, at the first access.

    Arguments:
        judge: Gives the outputs.
        x: Samples with shape (B, *shape).
        y: Their labels with shape (B,), zeros where there are none.
        z: The latents with shape (B, latent_dim) that generated samples come from; None for real ones.
        fixed: Whether no gradient is wanted.
    """

    def __init__(self, judge: Judge, x: Tensor, y: Tensor, z: Tensor | None = None, fixed: bool = False) -> None:
        self.x, self.y, self.z = x, y, z
        self._judge, self._fixed = judge, fixed

    @cached_property
    def outputs(self) -> Tensor:
        """The discriminator's outputs with shape (B, outputs)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._fixed):
            return self._judge.judge(self.x, self.y)

    @cached_property
    def logits(self) -> Tensor:
        """The logits of "real" with shape (B,)."""
        return self._judge.realness(self.outputs, self.y)


@dataclass(frozen=True)
class Judgement:
    """All that a regularizer may look at in an update.

    Attributes:
        real: Real samples.
        fake: As many generated ones; in the discriminator's update no gradient reaches their generator.
        critic: Judges other samples, with another forward pass.
        generate: Generates other samples from latents (B, latent_dim) and labels (B,), with the generator as it trains; in the
            discriminator's update no gradient reaches it.
    """

    real: Judged
    fake: Judged
    critic: Critic
    generate: Callable[[Tensor, Tensor], Tensor]
