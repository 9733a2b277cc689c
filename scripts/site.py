"""What the documentation's pages need beside MkDocs: formulas that need no script, tables of choices, docstrings as Markdown.

Formulas become MathML when the site is built, which browsers draw themselves; ``<!-- choices: GROUP -->`` becomes what
``ganexp list GROUP`` shows; the roles of reStructuredText in docstrings become Markdown.
"""

import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

from griffe import Extension, Object
from latex2mathml.converter import convert

sys.path.insert(0, str(Path(__file__).parents[1]))  # MkDocs imports this file by its path

from ganexp.config.listing import about, files

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_CHOICES = re.compile(r"^<!-- choices: (\w+) -->$", re.MULTILINE)
_ROLE = re.compile(r":(?:class|meth|func|mod|attr):`~?([^`]+)`")
_INLINE = re.compile(r":math:`([^`]+)`")
_BLOCK = re.compile(r"^\.\. math:: (.+(?:\n +.+)*)", re.MULTILINE)
_SIMPLE_TABLE = re.compile(r"^=+ .*=$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the tables of choices."""
    return _CHOICES.sub(lambda found: _table(found[1]), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Turn formulas into MathML."""
    return _FORMULA.sub(lambda found: convert(unescape(found[3]), "block" if found[2] == "[" else "inline"), html)


class Roles(Extension):
    """Docstrings as Markdown."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            text = _ROLE.sub(r"`\1`", obj.docstring.value)
            text = _BLOCK.sub(lambda found: f"\n$$\n{' '.join(found[1].split())}\n$$\n", text)
            obj.docstring.value = _INLINE.sub(r"$\1$", text)


def _table(group: str) -> str:
    rows = [f"| `{name}` | {about(path)} |" for name, path in files(group).items()]
    return "\n".join([f"| `{group}` | |", "|---|---|", *rows])
