r"""What several seeds say of a number: its mean, how sure that is, and whether two means differ.

With n values, their mean m and standard deviation s, the 95 % interval is

.. math:: m \pm t_{0.975, n - 1} \frac{s}{\sqrt{n}}

with Student's t. Two means differ, by Welch's t-test at 5 %, when

.. math::
    |m_1 - m_2| > t_{0.975, \nu} \sqrt{e_1 + e_2}, \quad
    \nu = \frac{(e_1 + e_2)^2}{e_1^2 / (n_1 - 1) + e_2^2 / (n_2 - 1)}, \quad e_i = s_i^2 / n_i.

Both take the values of a setting over seeds for normally distributed; nothing corrects for comparing many settings.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, variance
from typing import Any

_TAIL = 0.975


def interval(values: Iterable[float | None]) -> dict[str, Any]:
    """Return mean, bounds of the 95 % interval, number and values; those that are missing or not finite are left out.

    One value has no interval, its bounds are None; none at all has no mean either.
    """
    given = [value for value in values if value is not None and math.isfinite(value)]
    mean = fmean(given) if given else None
    found: dict[str, Any] = {"mean": mean, "low": None, "high": None, "n": len(given), "values": given}
    if len(given) > 1:
        half = _quantile(len(given) - 1) * math.sqrt(variance(given) / len(given))
        found |= {"low": found["mean"] - half, "high": found["mean"] + half}
    return found


def by_seed(values: Iterable[tuple[Any, float | None]]) -> list[float | None]:
    """Return one value for each seed: runs of the same seed count as one, by their mean.

    Arguments:
        values: Pairs of what names a seed and a value of a run.
    """
    seeds: dict[str, list[float | None]] = {}
    for seed, value in values:
        seeds.setdefault(str(seed), []).append(value)
    return [interval(same)["mean"] for same in seeds.values()]


def differ(a: Sequence[float], b: Sequence[float]) -> bool | None:
    """Return whether two means differ by Welch's t-test at 5 %; None where one of them is of fewer than two values."""
    if min(len(a), len(b)) < 2:
        return None
    errors = [variance(values) / len(values) for values in (a, b)]
    if not sum(errors):
        return fmean(a) != fmean(b)
    parts = sum(error**2 / (len(values) - 1) for error, values in zip(errors, (a, b), strict=True))
    # Errors so small that their squares are none leave the smallest degrees of freedom that there can be.
    freedom = sum(errors) ** 2 / parts if parts else min(len(a), len(b)) - 1
    return abs(fmean(a) - fmean(b)) > _quantile(freedom) * math.sqrt(sum(errors))


def _quantile(freedom: float) -> float:
    from scipy.special import stdtrit  # type: ignore[import-untyped]  # takes a third of a second

    return float(stdtrit(freedom, _TAIL))
