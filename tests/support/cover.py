"""A few combinations in place of all."""

from itertools import combinations, product
from typing import Any


def pairs(*axes: Any) -> list[tuple[Any, ...]]:
    """Choose rows with one value of each axis so that every two values of different axes meet in at least one row."""
    rows = list(product(*axes))
    missing = {pair for row in rows for pair in _pairs(row)}
    chosen = []
    while missing:
        chosen.append(max(rows, key=lambda row: len(missing & _pairs(row))))
        missing -= _pairs(chosen[-1])
    return chosen


def _pairs(row: tuple[Any, ...]) -> set[Any]:
    return set(combinations(enumerate(row), 2))
