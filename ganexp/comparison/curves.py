"""Curves of runs: read from ``metrics.csv``, thinned to what a chart can show.

Contract: a file that is still being written, or that is damaged, gives what can be read of it.
"""

import csv
import math
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

from ganexp.runs.files import read_inside
from ganexp.runs.signals import signal

Curve = dict[str, list[Any]]

POINTS = 300
"""Most points of a curve."""

_DIGITS = 5
_BYTES = 500_000_000


def read(file: Path) -> tuple[dict[str, Curve], bool]:
    """Return the curves that are shown, by tag, as lists ``x`` (iterations) and ``y``, and whether all could be read.

    The last line counts only when it is complete: the run may be writing it. A value that is no number becomes nan.
    """
    try:
        text = read_inside(file.parent, file.name, _BYTES).decode(errors="replace")
    except OSError:
        return {}, not os.path.lexists(file)
    rows = csv.reader(text[: text.rfind("\n") + 1].splitlines())
    try:
        header = next(rows, [])
        if not header:
            return {}, True
        columns = [(index, tag) for index, tag in enumerate(header) if signal(tag).page]
        x, curves, sound = header.index("iteration"), {tag: ([], []) for _, tag in columns}, True  # type: ignore[var-annotated]
        for row in rows:
            if len(row) != len(header) or not row[x].isdecimal():
                sound = False
                continue
            for index, tag in columns:
                if cell := row[index]:
                    curves[tag][0].append(int(row[x]))
                    curves[tag][1].append(_number(cell))
    except (csv.Error, ValueError):
        return {}, False
    return {tag: thin(*points) for tag, points in curves.items() if points[0]}, sound


def thin(x: list[int], y: list[float], most: int = POINTS) -> Curve:
    """Return at most that many points: the first, the last, and of each stretch between its extremes and what is no number."""
    if len(x) > most:
        stretches = (most - 2) // 3
        inner = len(x) - 2
        bounds = [1 + inner * index // stretches for index in range(stretches + 1)]
        kept = {0, len(x) - 1}
        for start, end in pairwise(bounds):
            finite = [index for index in range(start, end) if math.isfinite(y[index])]
            if finite:
                kept |= {min(finite, key=y.__getitem__), max(finite, key=y.__getitem__)}
            if len(finite) < end - start:
                kept.add(next(index for index in range(start, end) if not math.isfinite(y[index])))
        x, y = ([values[index] for index in sorted(kept)] for values in (x, y))  # type: ignore[assignment]
    return {"x": x, "y": [float(f"{value:.{_DIGITS}g}") for value in y]}


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
