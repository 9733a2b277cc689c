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

from ganexp.comparison import effects, figures, words
from ganexp.comparison.scale import intervals, tick
from ganexp.runs.files import strict
from ganexp.runs.signals import signal


def page(data: Mapping[str, Any]) -> str:
    """Return a comparison as an HTML document.

    Arguments:
        data: What was compared, as plain types; numbers that are not finite are shown as missing.
    """
    environment = Environment(loader=PackageLoader("ganexp.comparison", "assets"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    written = (words.number, words.duration, words.count, words.half, words.interval, tick)
    environment.filters |= {each.__name__: each for each in written}
    environment.filters |= {"moment": _moment, "json": _json, "about": lambda tag: signal(tag).about}
    data = strict(data)
    assets = files("ganexp.comparison") / "assets"
    scripts = [(assets / "report.js").read_text(encoding="utf-8")]
    curves = figures.curves(data)
    ranking = [_ranking(table, data) for table in data["tables"] if table["groups"]]
    if curves or any(table["effects"] for table in ranking):
        from plotly.offline import get_plotlyjs

        scripts.insert(0, get_plotlyjs())
    shown = [f"metrics/{table['by']}" for table in data["tables"]] + ["loss/d", "loss/g"]
    text = environment.get_template("report.html").render(
        data, data=data, looks=figures.looks(data), curves=curves, ranking=ranking,
        themes=json.loads((assets / "themes.json").read_text()),
        scripts=[Markup(script) for script in scripts],
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {' '.join(map(_digest, scripts))}",
        shown=[tag for tag in curves if tag in shown] or list(curves)[:3],
    )  # fmt: skip
    return text.encode("utf-8", "xmlcharrefreplace").decode()


def _ranking(table: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template needs to know of a table: which metrics it may show, which it shows first, and its axis."""
    by, on = table["by"], data["on"]
    scale = intervals(table, on) if by else None
    goals = {metric["name"]: metric["goal"] for metric in data["metrics"]}
    numbers = [group[state].items() for group in table["groups"] for state in ("final", "best")]
    given = {name for of_state in numbers for name, value in of_state if value and value["mean"] is not None}
    names = [name for name in goals if name in given - {by}]
    runs = effects.measured(table, data) if by else []
    parameters = data["parameters"] if runs else []
    return {
        **table, "goals": goals, "metrics": names, "scale": scale, "count": len(runs),
        "state": f"best {by}" if on == "best" else by,
        "shown": ([name for name in names if goals[name]] or names)[:3],
        "ticks": scale.ticks(6) if scale else [],
        "effects": [(parameter, effects.effect(parameter, table, data)) for parameter in parameters],
        "parallel": effects.parallel(table, data) if len(parameters) > 1 and len(runs) > 1 else None,
    }  # fmt: skip


def _moment(text: str) -> str:
    made = datetime.fromisoformat(text)
    return f"{made.day} {made:%B %Y} at {made:%H:%M} {made.tzname() or ''}".rstrip()


def _json(content: Any) -> Markup:
    """Write JSON that ends no element: in ASCII, without ``<``."""
    return Markup(json.dumps(strict(content), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


def _digest(content: str) -> str:
    """Return what a content security policy calls an inline script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
