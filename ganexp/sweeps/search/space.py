"""A space to search, written in the syntax by which Hydra's command line sweeps, and what its points are on a command line.

=============================  ======================================================
``interval(a,b)``              real numbers
``tag(log,interval(a,b))``     real numbers, their logarithm uniform
``int(interval(a,b))``         whole numbers, ``b`` included; also with ``tag(log,...)``
``range(a,b,step)``            numbers on a grid, ``b`` excluded
``choice(a,[0,0.9])``, ``a,b`` anything, without an order
=============================  ======================================================
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException

from ganexp.config.compose import file_name, first_line
from ganexp.config.errors import ConfigError
from ganexp.sweeps.search import optuna

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_FORMS = "write interval(a,b), tag(log,interval(a,b)), int(interval(a,b)), range(a,b,step) or choice(a,b)"


def read_space(texts: Mapping[str, str]) -> "dict[str, BaseDistribution]":
    """Return the distribution of each key.

    Arguments:
        texts: What each key may be, in Hydra's syntax; a key may be a group, and may begin with + where an option is added.

    Raises:
        ConfigError: A text cannot be read or describes nothing that can be searched.
    """
    return {key: _read(key, text) for key, text in texts.items()}


def alternatives(space: "Mapping[str, BaseDistribution]") -> dict[str, list[Any]]:
    """Return values of each dimension by which a configuration can be tried: all of a choice, the ends of anything else."""
    return {key: _points(kind) for key, kind in space.items()}


def overrides(values: Mapping[str, Any]) -> list[str]:
    """Return a point of the space as it stands on a command line; it is read as exactly these values."""
    return [f"{key}={value}" for key, value in values.items()]


def trial_name(number: int, values: Mapping[str, Any]) -> str:
    """Return the name of a trial's job: its number, and its values in few digits."""
    short = {key.lstrip("+"): f"{value:.3g}" if isinstance(value, float) else value for key, value in values.items()}
    return file_name(",".join([f"trial={number:03d}", *overrides(short)]))


def _points(kind: Any) -> list[Any]:
    discrete = isinstance(kind, optuna().distributions.CategoricalDistribution)
    return list(kind.choices) if discrete else [kind.low, kind.high]


def _read(key: str, text: str) -> "BaseDistribution":
    try:
        override = OverridesParser.create().parse_override(f"{key}={text}")
        sweep = override.value()
    except HydraException as error:
        raise ConfigError(f"{text!r} cannot be read, {first_line(error)}", key, hint=_FORMS) from error
    if override.is_delete() or not isinstance(sweep, ChoiceSweep | RangeSweep | IntervalSweep):
        raise ConfigError(f"{text!r} has fewer than two values", key, hint=_FORMS)
    unknown = sweep.tags - {"log"}
    log = "log" in sweep.tags
    if unknown or (log and not isinstance(sweep, IntervalSweep)):
        raise ConfigError(f"{text!r} has a tag without a meaning here", key, hint="tag(log,interval(a,b)) is all there is")
    if isinstance(sweep, IntervalSweep):
        return _interval(key, text, sweep, log)
    if isinstance(sweep, RangeSweep):
        return _grid(key, text, sweep)
    return _choice(key, text, override, sweep)


def _interval(key: str, text: str, sweep: IntervalSweep, log: bool) -> "BaseDistribution":
    low, high = sweep.start, sweep.end
    assert low is not None and high is not None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"{text!r} should have a lower and a higher end", key)
    if log and low <= 0:
        raise ConfigError(f"{text!r} should have a positive lower end, as zero has no logarithm", key)
    kinds = optuna().distributions
    if isinstance(low, int) and isinstance(high, int):
        return kinds.IntDistribution(low, high, log=log)
    return kinds.FloatDistribution(float(low), float(high), log=log)


def _grid(key: str, text: str, sweep: RangeSweep) -> "BaseDistribution":
    points: Sequence[float] = sorted(sweep.range())
    if len(points) < 2:
        raise ConfigError(f"{text!r} has fewer than two values", key)
    kinds, step = optuna().distributions, abs(sweep.step)
    if all(isinstance(point, int) for point in points):
        return kinds.IntDistribution(points[0], points[-1], step=step)
    return kinds.FloatDistribution(float(points[0]), float(points[-1]), step=float(step))


def _choice(key: str, text: str, override: Override, sweep: ChoiceSweep) -> "BaseDistribution":
    sweep.shuffle = False
    choices = [str(choice) for choice in override.sweep_string_iterator()]
    if len(choices) < 2 or len(set(choices)) < len(choices):
        raise ConfigError(f"{text!r} should have two or more different choices", key)
    return optuna().distributions.CategoricalDistribution(choices)
