"""Axes that the page places values on by itself: where a value stands, and which round values are named."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganexp.comparison.statistics import interval

_DECADES = 30  # largest over smallest value from which on an axis is logarithmic


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``: where values stand on it, from 0 to 1, and its round values."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(cls, values: Iterable[float | None], log: bool = False, room: float = 0.06) -> "Scale":
        """Return the axis of some values, with room at both ends."""
        given = [value for value in values if value is not None and (value > 0 or not log)] or [0.1 if log else 0.0, 1.0]
        low, high = min(given), max(given)
        if log:
            margin = (high / low) ** room if high > low else 1.5
            return cls(low / margin, high * margin, True)
        margin = (high - low) * room if high > low else abs(high) * 0.1 or 1.0
        return cls(low - margin, high + margin)

    @classmethod
    def around(
        cls, values: Sequence[float | None], intervals: Iterable[Mapping[str, Any]], log: bool, far: float = 0.5
    ) -> "Scale":
        """Return the axis of values and their intervals.

        Two seeds make intervals many times as wide as all that was measured: beyond ``far`` of the values, these go on.
        """
        whole = cls.over(values, log, far)
        ends = [end for s in intervals for end in (s["low"], s["high"]) if end is not None]
        return cls.over([*values, *(min(max(end, whole.low), whole.high) for end in ends)], log)

    def __call__(self, value: float) -> float:
        """Return where a value stands; what lies beyond the axis stands at its end."""
        if self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else 0.0
        else:
            part = (value - self.low) / (self.high - self.low)
        return min(max(part, 0.0), 1.0)

    def ticks(self, most: int) -> list[float]:
        """Return about so many round values on the axis."""
        if self.log and self.high / self.low > 5:
            decades = math.log10(self.high / self.low)
            factors = (1,) if decades > 3 else (1, 3) if decades > 1.5 else (1, 2, 5)
            low, high = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            powers = range(low, high + 1, max(1, round(decades / most)))
            found = [float(f"{factor}e{power}") for power in powers for factor in factors]
        else:
            power = 10.0 ** math.floor(math.log10((self.high - self.low) / most))
            step = next(f * power for f in (1, 2, 5, 10) if f * power * most >= (self.high - self.low) * 0.999)
            found = [i * step for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [float(f"{tick:.10g}") for tick in found if self.low <= tick <= self.high]

    @property
    def axis(self) -> dict[str, Any]:
        """The axis as Plotly takes it."""
        ends = [math.log10(end) for end in (self.low, self.high)] if self.log else [self.low, self.high]
        return {"type": "log" if self.log else "linear", "range": ends}


def spans(values: Iterable[float | None], factor: float = _DECADES) -> bool:
    """Return whether values differ by such a factor that only a logarithmic axis shows all."""
    given = [value for value in values if value is not None]
    return len(given) > 1 and min(given) > 0 and max(given) / min(given) > factor


def intervals(table: Mapping[str, Any], on: str) -> Scale:
    """Return the axis of a ranking's intervals."""
    statistics = [group[on].get(table["by"]) or interval(()) for group in table["groups"]]
    floor = table["real"].get(table["by"])
    measured = [value for s in statistics for value in (*s["values"], s["mean"]) if value is not None]
    log = spans(measured, 8) and (floor is None or floor > 0)
    return Scale.around([*measured, floor], statistics, log, 0.12 if log else 0.5)


def tick(value: float) -> str:
    """Write a tick's number, shorter than a value."""
    size = abs(value)
    if 1e4 <= size < 1e9:
        return f"{value / 1e6:.4g}M" if size >= 1e6 else f"{value / 1e3:.4g}k"
    written = f"{value:.2e}".replace(".00e", "e") if 0 < size < 1e-3 else f"{value:.6g}"
    return written.replace("e-0", "e-")
