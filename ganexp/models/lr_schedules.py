"""How the learning rate moves: plain functions of a run's progress.

A schedule maps progress p, the share of the budget that is used up, in [0, 1], to the factor by which the optimiser's
own learning rate is multiplied. It is min(1, p / warmup) times

========  =====================================================================================
class     decay(p)
========  =====================================================================================
Constant  1
Linear    1 until ``start``, then on a straight line to ``final`` at p = 1
Cosine    1 until ``start``, then on half a cosine wave to ``final`` at p = 1
Step      ``factor`` to the power of the number of ``milestones`` that p has reached
========  =====================================================================================
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from ganexp.config.types import Fraction, NonNegativeFloat, PositiveFloat, Probability


class LRSchedule(ABC):
    """Map progress to a factor on the learning rate.

    Arguments:
        warmup: Share of the run in which the factor grows from 0; 0 for none.
    """

    def __init__(self, warmup: Fraction = 0.0) -> None:
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        """Compute the factor for progress in [0, 1]; beyond either end, the factor stays."""
        progress = min(max(progress, 0.0), 1.0)
        return self.decay(progress) * (progress / self.warmup if progress < self.warmup else 1.0)

    @abstractmethod
    def decay(self, progress: float) -> float:
        """Compute the factor without warm-up."""


class Constant(LRSchedule):
    """Keep the learning rate."""

    def decay(self, progress: float) -> float:
        return 1.0


class Decay(LRSchedule):
    """Keep the learning rate until ``start``, then let the factor fall from 1 to ``final`` along a curve.

    Arguments:
        start: Progress at which the decay begins.
        final: Factor at the end.
        warmup: Share of the run in which the factor grows from 0; 0 for none.
    """

    def __init__(self, start: Fraction = 0.0, final: NonNegativeFloat = 0.0, warmup: Fraction = 0.0) -> None:
        super().__init__(warmup)
        self.start = start
        self.final = final

    def decay(self, progress: float) -> float:
        done = max(0.0, progress - self.start) / (1.0 - self.start)
        return self.final + (1.0 - self.final) * self.left(done)

    @abstractmethod
    def left(self, done: float) -> float:
        """Return how much of the way down is left, from 1 to 0, when ``done`` of the decay has passed."""


class Linear(Decay):
    """Decay on a straight line; options as in :class:`Decay`."""

    def left(self, done: float) -> float:
        return 1.0 - done


class Cosine(Decay):
    """Decay on half a cosine wave; options as in :class:`Decay`.

    References:
        SGDR: Stochastic Gradient Descent with Warm Restarts (Loshchilov, Hutter, 2017),
            https://arxiv.org/abs/1608.03983
    """

    def left(self, done: float) -> float:
        return (1.0 + math.cos(math.pi * done)) / 2


class Step(LRSchedule):
    """Multiply the learning rate by a factor at each milestone.

    Arguments:
        milestones: Progress, in [0, 1], at which the factor is applied (again).
        factor: Factor at each milestone.
        warmup: Share of the run in which the factor grows from 0; 0 for none.
    """

    def __init__(
        self, milestones: Sequence[Probability] = (0.5, 0.75), factor: PositiveFloat = 0.1, warmup: Fraction = 0.0
    ) -> None:
        super().__init__(warmup)
        self.milestones = tuple(milestones)
        self.factor = factor

    def decay(self, progress: float) -> float:
        return self.factor ** sum(progress >= milestone for milestone in self.milestones)
