"""Few combinations in which every pair of choices occurs: what two options do to each other shows in some of them."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import TypeVar

Choice = TypeVar("Choice")


def pairs(*axes: Sequence[Choice]) -> list[tuple[Choice, ...]]:
    """Return rows with one choice of each axis; every two choices of two axes stand together in one of them."""
    left = {
        ((i, a), (j, b))
        for i, j in combinations(range(len(axes)), 2)
        for a, b in product(range(len(axes[i])), range(len(axes[j])))
    }
    rows = []
    while left:
        row = dict(min(left))
        for axis in range(len(axes)):
            if axis not in row:
                row[axis] = max(range(len(axes[axis])), key=lambda choice: _gain({**row, axis: choice}, left))
        left -= _meet(row)
        rows.append(tuple(axes[axis][row[axis]] for axis in range(len(axes))))
    return rows


def _meet(row: dict[int, int]) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    return set(combinations(sorted(row.items()), 2))


def _gain(row: dict[int, int], left: set[tuple[tuple[int, int], tuple[int, int]]]) -> int:
    return len(_meet(row) & left)
