"""A run as a notebook shows it, and its curves as arrays."""

import base64
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganexp.runs.files import read_inside
from ganexp.runs.records import Summary
from ganexp.runs.signals import is_headline, text

_BYTES = 20_000_000


def curves(file: Path) -> Any:
    """Return what is in ``metrics.csv``: a pandas DataFrame where pandas is installed, else a dict of float64 arrays.

    Rows are iterations, in the column ``iteration``; a value that was not logged at one of them is nan.

    Raises:
        OSError: There is no such file.
    """
    if find_spec("pandas") is not None:
        import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]

        return pandas.read_csv(file)
    import numpy as np

    with file.open() as lines:
        names = next(lines, "iteration").rstrip("\n").split(",")
        table = np.genfromtxt(lines, delimiter=",", ndmin=2) if file.stat().st_size else np.empty((0, len(names)))
    table = table.reshape(-1, len(names))
    return {name: table[:, index] for index, name in enumerate(names)}


def html(folder: Path, picture: Path | None, summary: Summary | None) -> str:
    """Return the picture of a run beside its numbers, as HTML that needs no other file."""
    image = ""
    if picture is not None:
        try:
            content = read_inside(picture.parent, picture.name, _BYTES)
        except OSError:
            content = b""
        image = f'<img src="data:image/png;base64,{base64.b64encode(content).decode()}" style="max-width: 28em">'
    rows = [("run", str(folder)), *(_numbers(summary) if summary else [("status", "not ended")])]
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<div style="display: flex; gap: 1em; align-items: flex-start">{image}<table>{cells}</table></div>'


def _numbers(summary: Summary) -> list[tuple[str, str]]:
    rows = [("status", summary.status), ("iteration", f"{summary.iteration:,} of {summary.total_iterations:,}")]
    if summary.health:
        rows.append(("health", summary.health.verdict))
    for name, value in summary.metrics.items():
        if is_headline(name):
            real = summary.real.get(name)
            rows.append((name, text(value) + (f" (real, held out: {text(real)})" if real is not None else "")))
    return rows
