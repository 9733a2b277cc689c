"""How numbers, times and counts are written in tables and sentences."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MISSING = "–"


def number(value: float | None, missing: str = MISSING) -> str:
    """Write a number with four significant digits, a whole one in full."""
    if value is None or not math.isfinite(value):
        return missing
    size = abs(value)
    if size >= 1e7 or 0 < size < 1e-4:
        return f"{value:.4g}"
    if value == int(value):
        return f"{int(value):,}"
    digits = max(0, 3 - math.floor(math.log10(size)))
    written = f"{value:,.{digits}f}"
    return written.rstrip("0").rstrip(".") if digits else written


def interval(value: Mapping[str, Any] | None) -> str:
    """Write a mean with its 95 % interval."""
    if not value or value["mean"] is None:
        return MISSING
    bounds = "" if value["low"] is None else f" [{number(value['low'])}, {number(value['high'])}]"
    return f"{number(value['mean'])}{bounds}"


def half(value: Mapping[str, Any] | None) -> str:
    """Write half the width of a 95 % interval; nothing where there is none."""
    return "" if not value or value["low"] is None else f"± {(value['high'] - value['low']) / 2:,.2g}"


def duration(seconds: float | None, missing: str = MISSING) -> str:
    """Write a time in the two largest units that it takes."""
    if seconds is None:
        return missing
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    return f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole // 60 % 60:02d} min"


def cut(text: str, width: int) -> str:
    """Return a text, or as much of it as a width takes and an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def count(n: int, one: str) -> str:
    """Write how many of something there are."""
    return f"{n:,} {one}{'s' * (n != 1)}"


def relative(path: Path) -> str:
    """Write a path as one would type it here: from here where it is below, else from anywhere."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
