"""A comparison as one HTML document that needs nothing else: no network, no server, no file beside it.

Contract: text in the data may be anything. The template escapes it, figures travel as JSON in which ``<`` is escaped, and the
document's policy lets the browser run only the scripts that this module put in, and load nothing.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganexp.compare import effects, figures, words
from ganexp.compare.scale import intervals, tick
from ganexp.runs.files import strict
from ganexp.runs.signals import signal


def page(data: Mapping[str, Any]) -> str:
    """Return a comparison as an HTML document.

    Arguments:
        data: What was compared, as plain types; numbers that are not finite are shown as missing.
    """
    environment = Environment(
        loader=PackageLoader("ganexp.compare", "assets"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"number": words.number, "duration": words.duration, "count": words.count, "half": words.half}
    environment.filters |= {"interval": words.interval, "moment": _moment, "json": _json, "tick": tick}
    environment.filters["about"] = lambda tag: signal(tag).about
    data = strict(data)
    styles = figures.looks(data)
    assets = files("ganexp.compare") / "assets"
    themes = json.loads((assets / "themes.json").read_text())
    scripts = [(assets / "report.js").read_text(encoding="utf-8")]
    curves = figures.curves(data)
    if curves or any(effects.measured(table, data) for table in data["tables"]):
        from plotly.offline import get_plotlyjs

        scripts.insert(0, get_plotlyjs())
    shown = [f"metrics/{table['by']}" for table in data["tables"]] + ["loss/d", "loss/g"]
    text = environment.get_template("report.html").render(
        data,
        data=data,
        themes=themes,
        scripts=[Markup(script) for script in scripts],
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {' '.join(map(_digest, scripts))}",
        looks=styles,
        by_id={run["id"]: run for run in data["runs"]},
        curves=curves,
        shown=[tag for tag in curves if tag in shown] or list(curves)[:3],
        drawn=list(
            dict.fromkeys(
                group for figure in curves.values() for trace in figure["data"] if (group := trace["meta"].get("group"))
            )
        ),
        ranking=[_ranking(table, data) for table in data["tables"] if table["groups"]],
    )
    return text.encode("utf-8", "xmlcharrefreplace").decode()


def _ranking(table: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template needs to know of a table: which metrics it may show, which it shows first, and its axis."""
    groups, on = table["groups"], data["on"]
    scale = intervals(table, on) if table["by"] else None
    goals = {metric["name"]: metric["goal"] for metric in data["metrics"]}

    def has(name: str) -> bool:
        return any((group[state].get(name) or {}).get("mean") is not None for group in groups for state in ("final", "best"))

    names = [name for name in goals if name != table["by"] and has(name)]
    runs = effects.measured(table, data) if table["by"] else []
    parameters = data["parameters"] if runs else []
    return {
        **table,
        "state": f"best {table['by']}" if on == "best" else table["by"],
        "goals": goals,
        "metrics": names,
        "shown": ([name for name in names if goals[name]] or names)[:3],
        "scale": scale,
        "ticks": scale.ticks(6) if scale else [],
        "effects": [(p, effects.effect(p, table, data)) for p in parameters],
        "parallel": effects.parallel(table, data) if len(parameters) > 1 and len(runs) > 1 else None,
        "count": len(runs),
    }


def _moment(text: str) -> str:
    made = datetime.fromisoformat(text)
    return f"{made.day} {made:%B %Y} at {made:%H:%M} {made.tzname() or ''}".rstrip()


def _json(content: Any) -> Markup:
    """Write JSON that ends no element: in ASCII, without ``<``."""
    return Markup(json.dumps(strict(content), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


def _digest(content: str) -> str:
    """Return what a content security policy calls an inline script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
