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
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, RangeSweep
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


def alternatives(space: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return values of each dimension by which a configuration can be tried: all of a choice, the ends of anything else."""
    categorical = optuna().distributions.CategoricalDistribution
    return {key: list(kind.choices) if isinstance(kind, categorical) else [kind.low, kind.high] for key, kind in space.items()}


def overrides(values: Mapping[str, Any]) -> list[str]:
    """Return a point of the space as it stands on a command line; it is read as exactly these values."""
    return [f"{key}={value}" for key, value in values.items()]


def trial_name(number: int, values: Mapping[str, Any]) -> str:
    """Return the name of a trial's job: its number, and its values in few digits."""
    short = {key.lstrip("+"): f"{value:.3g}" if isinstance(value, float) else value for key, value in values.items()}
    return file_name(",".join([f"trial={number:03d}", *overrides(short)]))


def _read(key: str, text: str) -> "BaseDistribution":
    try:
        override = OverridesParser.create().parse_override(f"{key}={text}")
        sweep = override.value()
    except HydraException as error:
        raise ConfigError(f"{text!r} cannot be read, {first_line(error)}", key, hint=_FORMS) from error
    if override.is_delete() or not isinstance(sweep, ChoiceSweep | RangeSweep | IntervalSweep):
        raise ConfigError(f"{text!r} has fewer than two values", key, hint=_FORMS)
    log, kinds = "log" in sweep.tags, optuna().distributions
    if sweep.tags - {"log"} or (log and not isinstance(sweep, IntervalSweep)):
        raise ConfigError(f"{text!r} has a tag without a meaning here", key, hint="tag(log,interval(a,b)) is all there is")
    if isinstance(sweep, ChoiceSweep):
        sweep.shuffle = False
        choices = [str(choice) for choice in override.sweep_string_iterator()]
        if len(choices) < 2 or len(set(choices)) < len(choices):
            raise ConfigError(f"{text!r} should have two or more different choices", key)
        return kinds.CategoricalDistribution(choices)
    step = {"step": abs(sweep.step)} if isinstance(sweep, RangeSweep) else {"log": log}
    points: list[Any] = sorted(sweep.range()) if isinstance(sweep, RangeSweep) else [sweep.start, sweep.end]
    low, high = (points[0], points[-1]) if points else (0, 0)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"{text!r} should have a lower and a higher end", key)
    if log and low <= 0:
        raise ConfigError(f"{text!r} should have a positive lower end, as zero has no logarithm", key)
    if all(isinstance(point, int) for point in points):
        return kinds.IntDistribution(low, high, **step)
    return kinds.FloatDistribution(float(low), float(high), **step)
