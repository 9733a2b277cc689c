"""Kinds of values: annotated types, by which the builder checks config values before it builds anything, and times."""

import re
from typing import Annotated, Any

from pydantic import Field

from ganexp.config.errors import ConfigError

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # numpy takes no larger one
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]

_SECONDS = {"s": 1, "min": 60, "h": 3600}
_TIME = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_SECONDS)})")


def seconds(value: Any, key: str) -> float:
    """Read a time such as ``90s``, ``5min`` or ``1.5h``.

    Raises:
        ConfigError: It is none, or no time at all.
    """
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None or not (length := float(found[1]) * _SECONDS[found[2]]):
        raise ConfigError("should be a time", key, hint="for example 90s, 5min or 1h")
    return length
