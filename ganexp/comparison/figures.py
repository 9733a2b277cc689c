"""Charts as figures of Plotly.js, in plain types: how all of them look, and those of curves.

A colour in a figure is ``@name``, which the page replaces by the colour of that name in its theme (``assets/themes.json``).
``meta`` of a trace says which group of runs it belongs to and what it shows: a ``seed``, the ``mean`` of all, or an end of the
``band`` from the lowest to the highest.
"""

import html
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from ganexp.comparison.scale import Scale, spans

Figure = dict[str, Any]
Look = dict[str, str]

# What the layouts of all charts have in common.
_TEMPLATE = {"layout": json.loads((files("ganexp.comparison") / "assets" / "layout.json").read_text())}
_COLOURS = 8  # of groups in a theme
# With more groups than colours, those of equal colour differ in their dashes.
_DASHES = ("solid", "7px,3px", "2px,3px", "9px,3px,2px,3px")
_GRID = 400  # points of a mean at most
_ROWS = 14  # groups that are named at once under the pointer


def looks(data: Mapping[str, Any]) -> dict[str, Look]:
    """Return the colour and the dash of each group, in the order of the ranking."""
    ranked = [group["label"] for table in data["tables"] for group in table["groups"]]
    labels = dict.fromkeys([*ranked, *(run["group"] for run in data["runs"])])
    return {
        label: {"colour": f"c{i % _COLOURS}", "band": f"a{i % _COLOURS}", "dash": _DASHES[i // _COLOURS % len(_DASHES)]}
        for i, label in enumerate(labels)
    }


def plain(text: str) -> str:
    """Write text so that Plotly finds no markup in it."""
    return html.escape(text, quote=False)


def figure(data: Sequence[dict[str, Any]], **layout: Any) -> Figure:
    """Return a figure with what the layouts of all charts have in common, and more."""
    return {"data": list(data), "layout": {"template": _TEMPLATE, **layout}}


def curves(data: Mapping[str, Any]) -> dict[str, Figure]:
    """Return a chart for each tag: curves of runs over the iterations, and for each group their mean and a band around it."""
    lines = {tag: of_runs for tag, of_runs in data["curves"].items() if of_runs}
    ends = [x for of_runs in lines.values() for line in of_runs.values() for x in line["x"][:1] + line["x"][-1:]] or [0, 1]
    domain = [min(ends), max(ends)] if min(ends) < max(ends) else [ends[0] - 1, ends[0] + 1]
    styles, groups = looks(data), {run["id"]: run["group"] for run in data["runs"]}
    found = {}
    for tag, of_runs in lines.items():
        members: dict[str, list[Any]] = {label: [] for label in styles}
        for run, line in of_runs.items():
            members[groups[int(run)]].append(line)
        found[tag] = _curve(tag, {label: some for label, some in members.items() if some}, styles, data)
        found[tag]["layout"]["xaxis"]["range"] = domain
    return found


def _curve(tag: str, members: Mapping[str, list[Any]], styles: Mapping[str, Look], data: Mapping[str, Any]) -> Figure:
    name = tag.removeprefix("metrics/") if tag.startswith("metrics/") else None
    goal = next((metric["goal"] for metric in data["metrics"] if metric["name"] == name), None)
    # Of samples that are drawn in training; an evaluation measures others.
    floors = {table["real"][name] for table in data["tables"] if table["real"].get(name) is not None}
    floor = floors.pop() if data["numbers"] == "training" and len(floors) == 1 else None
    values = sorted(y for lines in members.values() for line in lines for y in line["y"] if y is not None)
    grid = np.unique([x for lines in members.values() for line in lines for x in line["x"]])
    if len(grid) > _GRID:
        grid = grid[np.linspace(0, len(grid) - 1, _GRID).round().astype(int)]
    traces = [trace for label, lines in members.items() for trace in _group(label, lines, grid, styles[label])]
    # Curves of a chart share most of their iterations.
    shared: dict[tuple[int, ...], int] = {}
    for trace in traces:
        trace["x"] = shared.setdefault(tuple(trace["x"]), len(shared))
    banded = any(len(lines) > 1 for lines in members.values())
    layout: dict[str, Any] = {
        "hovermode": "x unified" if len(members) <= _ROWS else "closest",
        # The best are named first; Plotly turns the order around where there are bands.
        "hoversort": f"value {'descending' if (goal == 'max') != banded else 'ascending'}",
        "xaxis": {"unifiedhovertitle": {"text": "iteration %{x:,d}"}, "hoverformat": ",d"},
        "yaxis": {},
        "meta": {
            "x": list(shared),
            "goal": goal,
            # A metric that falls by such a factor would end in a flat line.
            "log": goal == "min" and spans(values, 100),
            "nonpositive": bool(values) and values[0] <= 0,
            "clip": {kind: _clipped(values, floor, kind == "log") for kind in ("linear", "log")},
        },
    }
    if floor is not None:
        label = {"text": "real data", "textposition": "start", "font": {"color": "@quiet", "size": 11}}
        line = {"dash": "4px,4px", "color": "@quiet", "width": 1}
        shape = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": floor, "y1": floor, "line": line, "label": label}
        layout["shapes"] = [shape]
        # A point that nobody sees keeps the line off the edge.
        point = {"x": 0, "y": [0.6 * floor], "mode": "markers", "marker": {"opacity": 0}, "hoverinfo": "skip"}
        traces.insert(0, point | {"meta": {"kind": "floor"}})
    return figure(traces, **layout)


def _group(label: str, lines: Sequence[Mapping[str, Any]], grid: np.ndarray, look: Look) -> list[dict[str, Any]]:
    """Return a thin line for each run of a group, and of several their mean with a band from the lowest to the highest."""

    def trace(kind: str, x: Sequence[int], y: Sequence[float | None], width: float, **more: Any) -> dict[str, Any]:
        line = {"color": f"@{look['colour']}", "width": width, "dash": look["dash"]}
        base = {"mode": "lines", "name": plain(label), "x": x, "y": y, "line": line, "meta": {"group": label, "kind": kind}}
        return base | more

    found = [trace("seed", line["x"], line["y"], 1) for line in lines]
    y = np.full((len(lines), len(grid)), np.nan)
    for row, line in zip(y, lines, strict=True):
        x, given = np.array(line["x"]), np.array(line["y"], float)
        if len(x):
            row[:] = np.interp(grid, x, given, np.nan, np.nan)
            exact = np.isin(x, grid)
            row[np.searchsorted(grid, x[exact])] = given[exact]
    there = np.isfinite(y)
    n = there.sum(0)
    low, high = np.where(there, y, np.inf).min(0), np.where(there, y, -np.inf).max(0)
    mean = np.divide(np.where(there, y, 0).sum(0), n, out=np.full(len(grid), np.nan), where=n > 0)
    template, more = "%{y:.4~g}", {}
    if len(lines) > 1:
        fill = {"fill": "tonexty", "fillcolor": f"@{look['band']}"}
        found.append(trace("band", grid.tolist(), _rounded(low), 0, hoverinfo="skip"))
        found.append(trace("band", grid.tolist(), _rounded(high), 0, hoverinfo="skip", **fill))
        # The page knows the band, which it may have smoothed.
        template += "  <i>%{customdata}</i>"
        notes = [f", {k} of {len(lines)}" if k < len(lines) else "" for k in n.tolist()]
        more = {"text": notes if any(notes) else []}
    return [*found, trace("mean", grid.tolist(), _rounded(mean), 2.2, hovertemplate=template, **more)]


def _rounded(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]


def _clipped(values: Sequence[float], floor: float | None, log: bool) -> list[float] | None:
    """Return the ends of an axis that leaves out the few values that would flatten all others; None where there are none.

    Arguments:
        values: In order.
        floor: A value that is shown in any case.
        log: Whether the axis is logarithmic; only values above 0 are on it.
    """
    given = [value for value in values if value > 0 or not log]
    if len(given) <= 20:
        return None
    usual = [given[round(part * (len(given) - 1))] for part in (0.02, 0.98)]
    first, low, high, last = (math.log(v) if log else v for v in (given[0], *usual, given[-1]))
    if not last - first > 3 * (high - low) > 0:
        return None
    scale = Scale.over([*usual, floor], log)
    return [scale.low, scale.high]
