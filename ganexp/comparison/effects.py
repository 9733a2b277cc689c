"""Charts of parameters as figures of Plotly.js, in plain types: the effect of each, and all as parallel coordinates."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ganexp.comparison.figures import Figure, figure, looks, plain
from ganexp.comparison.scale import Scale, spans, tick
from ganexp.comparison.statistics import by_seed, interval
from ganexp.comparison.words import MISSING, cut, number
from ganexp.comparison.words import interval as written

Table = Mapping[str, Any]
Runs = Sequence[Mapping[str, Any]]

_SHADES = 20  # from the best over grey to the worst
_STEPS = 4  # parts of a line between two axes of parallel coordinates
_BEYOND = 0.15  # how far beyond the numbers of an axis a missing one stands


def measured(table: Table, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the runs of a table that count and have its value."""
    at = data["tables"].index(table)
    return [
        run for run in data["runs"] if run["table"] == at and run["counts"] and run[data["on"]].get(table["by"]) is not None
    ]


def effect(parameter: Mapping[str, Any], table: Table, data: Mapping[str, Any]) -> Figure:
    """Return a chart of the value of all runs by a parameter's, whatever the other parameters were.

    Dots are runs, bars the mean with its 95 % interval. ``meta`` has the same in words.
    """
    runs, on, by, label = measured(table, data), data["on"], table["by"], parameter["label"]
    places, ticks = _places(parameter, runs)
    levels = {level: [run for run in runs if _level(run, parameter) == level] for level in places}
    means = {
        level: interval(by_seed(((run["group"], run["seed"]), run[on][by]) for run in some)) for level, some in levels.items()
    }
    values = [run[on][by] for run in runs]
    log = spans(values)
    gap = min([0.03, *(0.25 * (b - a) for a, b in pairwise(sorted(places.values())))])
    shown = {places[level] - gap: mean for level, mean in means.items() if len(levels[level]) > 1}
    halves = [0 if mean["low"] is None else mean["high"] - mean["mean"] for mean in shown.values()]
    bars = {
        "x": list(shown), "y": [mean["mean"] for mean in shown.values()], "text": [written(mean) for mean in shown.values()],
        "mode": "markers", "hoverinfo": "text",
        "marker": {"symbol": "line-ew", "size": 14, "line": {"width": 2.5, "color": "@text"}},
        "error_y": {"type": "data", "array": halves, "thickness": 6, "width": 0, "color": "@bar"},
    }  # fmt: skip
    edge = 0.06 if parameter["numeric"] else max(0.06, 0.5 / len(places))
    axis = {
        "range": [min(places.values()) - edge, max(places.values()) + edge], "tickvals": list(ticks),
        "ticktext": [plain(text) for text in ticks.values()], "title": {"text": f"<b>{plain(label)}</b>"},
    }  # fmt: skip
    words = "; ".join(f"{label} {MISSING if level is None else level}: {written(mean)}" for level, mean in means.items())
    traces = [*_dots(levels, places, gap, data), bars]
    scale = Scale.around(values, [] if log else means.values(), log)
    return figure(traces, xaxis=axis, yaxis=scale.axis, hovermode="closest", meta={"log": log, "words": words})


def _dots(levels: Mapping[Any, Runs], places: Mapping[Any, float], gap: float, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a dot for each run, a trace for each group: evenly scattered beside the mean, wherever the values lie."""
    points: dict[str, list[tuple[float, float, str]]] = {}
    for level, runs in levels.items():
        for i, run in enumerate(runs):
            value = run[data["on"]][data["tables"][run["table"]]["by"]]
            x = places[level] + (gap * (0.3 + i * 0.618 % 1 * 1.2) if len(runs) > 1 else 0)
            points.setdefault(run["group"], []).append((x, value, f"{plain(run['name'])}: {number(value)}"))
    style = {"size": 7, "opacity": 0.7, "line": {"width": 0.8, "color": "@ground"}}
    return [
        dict(zip(("x", "y", "text"), map(list, zip(*points[label], strict=True)), strict=True))
        | {"mode": "markers", "hoverinfo": "text", "meta": {"group": label}}
        | {"marker": style | {"color": f"@{look['colour']}"}}
        for label, look in looks(data).items()
        if label in points
    ]


def parallel(table: Table, data: Mapping[str, Any]) -> Figure:
    """Return parallel coordinates: a line for each run through its parameters to its value, blue the best.

    All axes reach from 0 to 1. Lines have ``steps`` points from one axis to the next, so that they can be pointed at.
    """
    on, by, runs = data["on"], table["by"], measured(table, data)
    down = table["goal"] == "min"
    values = [run[on][by] for run in runs]
    scale = Scale.over(values, spans(values), 0.02)
    axes = []
    for parameter in data["parameters"]:
        places, ticks = _places(parameter, runs, -_BEYOND)
        low, high = min(places.values()), max(places.values())
        # Numbers stand from the bottom, words from the top.
        ends = (low, high) if parameter["numeric"] else (high + 0.03, low - 0.03)
        column = [places[_level(run, parameter)] for run in runs]
        axes.append((parameter["label"], ends if low < high else (low - 1, high + 1), column, ticks))
    ticks = {scale(value): tick(value) for value in scale.ticks(6)}
    axes.append((f"best {by}" if on == "best" else by, (1, 0) if down else (0, 1), [scale(value) for value in values], ticks))
    knots = np.array([(np.array(column) - low) / (high - low) for _, (low, high), column, _ in axes])
    last = len(axes) - 1
    x = np.linspace(0, last, _STEPS * last + 1)
    # The best are drawn last, and coloured by their place: one bad run must not make all others look alike.
    order = sorted(range(len(runs)), key=lambda i: values[i] if down else -values[i])
    lines = [
        {
            "x": x.tolist(), "y": np.interp(x, range(last + 1), knots[:, i]).round(4).tolist(),
            "mode": "lines", "opacity": 0.75, "meta": {"group": runs[i]["group"]}, "hoverinfo": "text",
            "line": {"width": 1.6, "color": f"@v{round(_SHADES * rank / max(1, len(runs) - 1))}"},
            "text": f"<b>{plain(runs[i]['name'])}</b>  {axes[-1][0]} {number(values[i])}",
        }
        for rank, i in reversed(list(enumerate(order)))
    ]  # fmt: skip
    rule = {"type": "line", "y0": 0, "y1": 1, "line": {"width": 1, "color": "@quiet"}}
    names: list[dict[str, Any]] = []
    for at, (label, (low, high), _, ticks) in enumerate(axes):
        names.append({"x": at, "y": 1.05, "text": f"<b>{plain(label)}</b>", "yanchor": "bottom"})
        side = {"bgcolor": "@ground"} | ({"xanchor": "right", "xshift": -8} if at < last else {"xanchor": "left", "xshift": 8})
        for place, text in ticks.items():
            names.append({"x": at, "y": (place - low) / (high - low), "text": plain(cut(text, 14))} | side)
    return figure(
        lines,
        xaxis={"range": [-0.02, last + 0.02], "visible": False}, yaxis={"range": [-0.05, 1.15], "visible": False},
        margin={"l": 112, "r": 70, "t": 0, "b": 4}, dragmode="select", selectdirection="d", hovermode="closest",
        annotations=names, shapes=[rule | {"x0": at, "x1": at} for at in range(last + 1)],
        meta={"steps": _STEPS, "axes": [label for label, *_ in axes]},
    )  # fmt: skip


def _level(run: Mapping[str, Any], parameter: Mapping[str, Any]) -> Any:
    return run["parameters"].get(parameter["key"])


def _places(
    parameter: Mapping[str, Any], runs: Runs, missing: float = 1 + _BEYOND
) -> tuple[dict[Any, float], dict[float, str]]:
    """Return where the values that a parameter has in some runs stand, in their order, and what is written where.

    Numbers stand from 0 to 1 as on an axis, and what is missing beyond; words stand at equal distances.
    """
    order = {level: i for i, level in enumerate(parameter["values"])}
    given = {_level(run, parameter) for run in runs}
    levels = sorted(given, key=lambda level: (level is None, order.get(level, len(order)), str(level)))
    known = [level for level in levels if level is not None]
    if not parameter["numeric"] or len(known) < 2:
        places = {level: (i + 0.5) / len(levels) for i, level in enumerate(levels)}
        return places, {place: MISSING if level is None else str(level) for level, place in places.items()}
    scale = Scale.over(known, parameter["log"] and min(known) > 0, 0)
    places = {level: missing if level is None else scale(level) for level in levels}
    # As many numbers as a search tries are not written each: the axis has round ones.
    ticks = {scale(value): tick(value) for value in (known if len(known) <= 8 else scale.ticks(5))}
    return places, ticks | ({missing: MISSING} if None in places else {})
