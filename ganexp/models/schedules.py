"""Schedules: numbers as functions of the progress of a run.

Any number that is kept as an attribute of a part of the model may have a schedule: a penalty's gamma, an augmentation's
probability, the half-life of the generator's average, an optimiser's learning rate or betas. With u in [0, 1] the share that is
done, of ``images`` real images seen or, by default, of the run's budget, its value is min(1, u / warmup) times

========= ==========================================================================================
class     value(u)
========= ==========================================================================================
Constant  ``initial``
Linear    ``initial`` until ``start``, then on a straight line to ``final`` at ``end``
Cosine    ``initial`` until ``start``, then on half a cosine wave to ``final`` at ``end``
Geometric ``initial`` until ``start``, then by the same factor in equal times to ``final`` at ``end``
Step      ``initial`` times ``factor`` to the power of the number of ``milestones`` that u has reached
========= ==========================================================================================

The learning-rate schedule of a run (``lr_schedule``) is one that multiplies both players' rates.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ganexp.config.errors import ConfigError
from ganexp.config.types import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt, Probability


@dataclass(frozen=True)
class Clock:
    """How far a run is: the share of its budget that is done, and the real images that the discriminator has seen."""

    progress: float = 0.0
    images: int = 0


class Schedule(ABC):
    """Map the time of a run to a number.

    Arguments:
        initial: Value at the beginning.
        warmup: Share of the time in which the value grows from 0; 0 for none.
        images: Real images after which the value stays; None: the run's budget.
    """

    def __init__(self, initial: NonNegativeFloat = 1.0, warmup: Fraction = 0.0, images: PositiveInt | None = None) -> None:
        self.initial, self.warmup, self.images = initial, warmup, images

    def __setattr__(self, name: str, value: Any) -> None:
        if moves(value):
            raise ValueError(f"{name} of a schedule is a number, not another schedule")
        super().__setattr__(name, value)

    def __call__(self, clock: Clock) -> float:
        """Return the present value."""
        done = clock.progress if self.images is None else clock.images / self.images
        done = min(max(done, 0.0), 1.0)
        return self.value(done) * (done / self.warmup if done < self.warmup else 1.0)

    @abstractmethod
    def value(self, done: float) -> float:
        """Return the value without warm-up when a share of the time in [0, 1] is done."""


class Constant(Schedule):
    """Keep the value; options as in :class:`Schedule`."""

    def value(self, done: float) -> float:
        return self.initial


class Decay(Schedule):
    """Keep the value until ``start``, then let it move to ``final`` along a curve.

    Arguments:
        start: Share of the time at which it begins to move.
        end: Share of the time at which it arrives, later than ``start``.
        final: Value at the end.
        initial: Value at the beginning.
        warmup: Share of the time in which the value grows from 0; 0 for none.
        images: Real images after which the value stays; None: the run's budget.

    Raises:
        ConfigError: It would arrive before it begins.
    """

    def __init__(
        self,
        start: Fraction = 0.0,
        end: Probability = 1.0,
        final: NonNegativeFloat = 0.0,
        initial: NonNegativeFloat = 1.0,
        warmup: Fraction = 0.0,
        images: PositiveInt | None = None,
    ) -> None:
        super().__init__(initial, warmup, images)
        if end <= start:
            raise ConfigError(f"a schedule cannot end at {end:g} and start at {start:g}", hint="let end be larger than start")
        self.start, self.end, self.final = start, end, final

    def value(self, done: float) -> float:
        return self.between(min(1.0, max(0.0, done - self.start) / (self.end - self.start)))

    @abstractmethod
    def between(self, way: float) -> float:
        """Return the value when a share ``way`` of the way from ``initial`` to ``final`` has passed."""


class Linear(Decay):
    """Move on a straight line; options as in :class:`Decay`."""

    def between(self, way: float) -> float:
        return self.final + (self.initial - self.final) * (1.0 - way)


class Cosine(Decay):
    """Move on half a cosine wave; options as in :class:`Decay`.

    References:
        SGDR: Stochastic Gradient Descent with Warm Restarts (Loshchilov, Hutter, 2017),
            https://arxiv.org/abs/1608.03983
    """

    def between(self, way: float) -> float:
        return self.final + (self.initial - self.final) * (1.0 + math.cos(math.pi * way)) / 2


class Geometric(Decay):
    """Change by the same factor in equal times, as rates and noise do that are to pass through all sizes.

    Options as in :class:`Decay`, but that both values are larger than 0.
    """

    def __init__(
        self,
        start: Fraction = 0.0,
        end: Probability = 1.0,
        final: PositiveFloat = 0.01,
        initial: PositiveFloat = 1.0,
        warmup: Fraction = 0.0,
        images: PositiveInt | None = None,
    ) -> None:
        super().__init__(start, end, final, initial, warmup, images)

    def between(self, way: float) -> float:
        return float(self.initial ** (1.0 - way) * self.final**way)


class Step(Schedule):
    """Multiply the value by a factor at each milestone.

    Arguments:
        milestones: Shares of the time at which the factor is applied (again).
        factor: Factor at each milestone.
        initial: Value at the beginning.
        warmup: Share of the time in which the value grows from 0; 0 for none.
        images: Real images after which the value stays; None: the run's budget.
    """

    def __init__(
        self,
        milestones: Sequence[Probability] = (0.5, 0.75),
        factor: PositiveFloat = 0.1,
        initial: NonNegativeFloat = 1.0,
        warmup: Fraction = 0.0,
        images: PositiveInt | None = None,
    ) -> None:
        super().__init__(initial, warmup, images)
        self.milestones, self.factor = tuple(milestones), factor

    def value(self, done: float) -> float:
        return self.initial * self.factor ** sum(done >= milestone for milestone in self.milestones)


# Numbers that follow a schedule ---------------------------------------------------------------------------------------------

Follow = Callable[[Clock], None]
"""Gives a number its present value."""


def present(value: Any, clock: Clock) -> Any:
    """Return a value with every schedule in it, be it the value itself or an entry of a list, in place of its number."""
    if isinstance(value, Schedule):
        return value(clock)
    return [present(entry, clock) for entry in value] if isinstance(value, list | tuple) else value


def moves(value: Any) -> bool:
    """Return whether a value is a schedule, or a list with one in it."""
    return isinstance(value, Schedule) or (isinstance(value, list | tuple) and any(map(moves, value)))


def attributes(modules: Iterable[nn.Module]) -> list[Follow]:
    """Return what moves the attributes of modules that were given a schedule in place of a number."""
    found = [
        (module, name, value) for module in modules for name, value in vars(module).items() if name[0] != "_" and moves(value)
    ]
    return [partial(_set_attribute, *place) for place in found]


def _set_attribute(module: nn.Module, name: str, value: Any, clock: Clock) -> None:
    setattr(module, name, present(value, clock))


_FUSED = (Adam, AdamW, SGD)  # on any device
_IMPLEMENTATIONS = {"fused", "foreach", "differentiable"}


_DECAYS = ("betas", "alpha", "rho", "momentum")
"""What is left of an optimiser's memory after a step: of Adam, RMSprop, Adadelta and SGD."""


def make(
    factory: Callable[..., Optimizer], parameters: Sequence[nn.Parameter], pace: float = 1.0
) -> tuple[Optimizer, list[Follow]]:
    """Make an optimiser from a partial factory, some of whose options may have a schedule.

    One that can update all weights in one kernel does so, unless an option says how else.

    Arguments:
        factory: Called with the parameters.
        parameters: What it moves.
        pace: Updates per step, to whose power decay rates are raised; see :meth:`ganexp.models.turns.Turns.pace`.

    Returns:
        The optimiser, with the values of the beginning, and what moves its options other than the learning rate, whose schedule
        is kept as ``initial_lr`` in its parameter groups.
    """
    given = _options(factory)
    options = {name: value for name, value in given.items() if moves(value)}
    # Torch takes no whole number beside another one in betas.
    start: dict[str, Any] = {
        name: tuple(map(float, value)) for name, value in given.items() if name == "betas" and not moves(value)
    }
    start |= {name: present(value, Clock()) for name, value in options.items()}
    if _made(factory) in _FUSED and not _IMPLEMENTATIONS & set(given):
        start["fused"] = True
    optimizer = factory(parameters, **start)
    rate = options.pop("lr", None)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"] if rate is None else rate
        group.update({name: _paced(name, group[name], pace) for name in _DECAYS if name in group})
    return optimizer, [partial(_set_option, optimizer, *option, pace) for option in options.items()]


def _made(factory: Any) -> Any:
    """Return the class that a partial factory makes an object of."""
    return _made(factory.func) if isinstance(factory, partial) else factory


def _options(factory: Any) -> dict[str, Any]:
    """Return what a partial factory, perhaps of a partial factory, has been given by name."""
    return {**_options(factory.func), **factory.keywords} if isinstance(factory, partial) else {}


def _set_option(optimizer: Optimizer, name: str, value: Any, pace: float, clock: Clock) -> None:
    for group in optimizer.param_groups:
        group[name] = _paced(name, present(value, clock), pace)


def _paced(name: str, value: Any, pace: float) -> Any:
    """Return an option for so many updates per step."""
    if pace == 1 or name not in _DECAYS:
        return value
    return tuple(entry**pace for entry in value) if isinstance(value, list | tuple) else value**pace
