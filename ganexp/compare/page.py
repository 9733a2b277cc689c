"""A comparison as one HTML document that needs nothing else: no network, no server, no file beside it.

Contract: text in the data may be anything. It travels as JSON in which ``<`` is escaped, the scripts put it on the page as text
alone, and the document's policy lets the browser run and style only what this module put in, and load nothing.
"""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import Any

from ganexp.runs.files import strict

# In this order they make one script: what a file uses at once stands in one before it.
_SCRIPTS = (
    "base.js",
    "controls.js",
    "groups.js",
    "scale.js",
    "series.js",
    "header.js",
    "intervals.js",
    "table.js",
    "chart.js",
    "pointer.js",
    "curves.js",
    "pictures.js",
    "parallel.js",
    "effects.js",
    "runs.js",
    "main.js",
)
_STYLES = ("report.css", "sections.css")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def page(data: dict[str, Any]) -> str:
    """Return a comparison as an HTML document.

    Arguments:
        data: What was compared, as plain types; numbers that are not finite are shown as missing.
    """
    style = "\n".join(_asset(name) for name in _STYLES)
    # Functions and constants of the files are seen by each other and by nobody else.
    script = "\n".join(_asset(name) for name in _SCRIPTS)
    parts = {
        "title": html.escape(data["title"]).encode("ascii", "xmlcharrefreplace").decode(),
        "policy": f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}",
        "style": style,
        "script": script,
        # ASCII and without "<": no text can end the element, whatever encoding the file is read in.
        "data": json.dumps(strict(data), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    # In one pass, so that a place in the data is not one.
    return _PLACE.sub(lambda place: parts[place[1]], _asset("report.html"))


def _asset(name: str) -> str:
    return (files("ganexp.compare") / "assets" / name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """Return what a content security policy calls an inline style or script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
