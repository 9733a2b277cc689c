"""A comparison as text: a table for the terminal, and one for spreadsheets and scripts."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from ganexp.comparison.words import MISSING, cut, duration, half, number

WIDTH = 104
"""Columns of the terminal that a table takes at most."""

_GAP = "  "
_LEAST = 12  # columns of a name
_WAYS = "><>><>"
_FACTS = ("seed", "status", "reason", "health", "iteration", "total_iterations")
_TAIL = ("best_iteration", "seconds", "images_per_second", "device", "directory", "command")
_KIND = ("rank", "by", "mean", "low", "high", "n")


def terminal(data: Mapping[str, Any]) -> str:
    """Return the verdict and a row for each kind of runs, best first, a table for each protocol; then what has no numbers."""
    parts = []
    if len(data["tables"]) > 1:
        parts.append("These were not measured in the same way; do not compare numbers of different tables.")
    for table in data["tables"]:
        head = [line for line in (table["differs"], table["protocol"]) if line]
        parts.append("\n".join([*head, *_rows(table, data["on"])]))
    failed = [data["runs"][entry["run"]] for entry in data["failures"]]
    lines = [": ".join(filter(None, (run["name"], " ".join((run["reason"] or "").split())))) for run in failed]
    parts.append("\n".join(cut(f"{run['status']}  {line}", WIDTH) for run, line in zip(failed, lines, strict=True)))
    parts.append("\n".join(f"- {sentence}" for sentence in data["verdict"]))
    return "\n\n".join(filter(None, parts))


def spreadsheet(data: Mapping[str, Any]) -> str:
    """Return CSV with a row for each run: its parameters, what became of it, its numbers, and what its kind amounts to.

    Columns: name, group, the parameters, seed, status, ...; ``final/<value>`` and ``best/<value>``; and of the kind, by the
    value that ranks it, ``group/rank``, ``group/mean``, ``group/low``, ``group/high``, ``group/n``. Empty where there is none.
    """
    keys = [parameter["key"] for parameter in data["parameters"]]
    names = [metric["name"] for metric in data["metrics"]]
    best = [name for name in names if any(name in run["best"] for run in data["runs"])]
    scores = [*(f"final/{name}" for name in names), *(f"best/{name}" for name in best)]
    columns = ["name", "group", "table", *keys, *_FACTS, *scores, *_TAIL, *(f"group/{name}" for name in _KIND)]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for run in data["runs"]:
        states = {f"{state}/{name}": value for state in ("final", "best") for name, value in run[state].items()}
        health = {"health": (run["health"] or {}).get("verdict")}
        writer.writerow(run["parameters"] | run | health | states | _kind(data, run))
    return stream.getvalue()


def _kind(data: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    if run["table"] is None:
        return {}
    table = data["tables"][run["table"]]
    group = next(group for group in table["groups"] if run["id"] in group["runs"])
    found = {"rank": group["rank"], "by": table["by"], **group[data["on"]].get(table["by"], {})}
    return {f"group/{name}": value for name, value in found.items()}


def _rows(table: Mapping[str, Any], on: str) -> list[str]:
    """Return the lines of a table; the state that ranks comes first, with its interval."""
    by = table["by"]
    states = [on, "best" if on == "final" else "final"]
    heads = ["#", "setting", *(f"{state} {by}" if by else state for state in states), "health", "time"]
    rows = [heads]
    for group in table["groups"]:
        ranking, other = (group[state].get(by) or {"mean": None} for state in states)
        health = group["health"] or group["status"]
        healths = ", ".join(f"{count} {word}" for word, count in health.items())
        numbers = [_with_half(ranking), number(other["mean"], "")]
        rows.append([str(group["rank"] or MISSING), group["label"], *numbers, healths, duration(group["seconds"]["mean"], "")])
    if by in table["real"]:
        rows.append(["", "real data, held out", number(table["real"][by], ""), "", "", ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - WIDTH
    for column in (1, 4):  # names give way first, then health
        widths[column], over = max(_LEAST, widths[column] - max(0, over)), over - max(0, widths[column] - _LEAST)
    cells = [[f"{cut(cell, width):{way}{width}}" for cell, way, width in zip(row, _WAYS, widths, strict=True)] for row in rows]
    return [_GAP.join(row).rstrip() for row in cells]


def _with_half(value: Mapping[str, Any]) -> str:
    return "" if value["mean"] is None else " ".join(filter(None, (number(value["mean"]), half(value), f"(n = {value['n']})")))
