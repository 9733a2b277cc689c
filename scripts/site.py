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
_SIGN = re.compile(r"(<mo[^>]*>(?:\(|\[|&#x00028;|&#x0005B;)</mo>)<mo>(?=&#x02212;|−)")
_CHOICES = re.compile(r"^<!-- choices: (\w+) -->$", re.MULTILINE)
_ROLE = re.compile(r":(?:class|meth|func|mod|attr):`~?([^`]+)`")
_INLINE = re.compile(r":math:`([^`]+)`")
_BLOCK = re.compile(r"^( *)\.\. math::(.*(?:\n\1 +.+)*)", re.MULTILINE)
_TABLE = re.compile(r"^=[ =]+=\n(.+)\n=[ =]+=\n((?:.+\n)+?)=[ =]+=$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the tables of choices."""
    return _CHOICES.sub(lambda found: _table(found[1]), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Turn formulas into MathML."""
    return _FORMULA.sub(lambda found: _mathml(unescape(found[3]), "block" if found[2] == "[" else "inline"), html)


class Roles(Extension):
    """Docstrings as Markdown."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            text = _ROLE.sub(r"`\1`", obj.docstring.value)
            text = _TABLE.sub(_rows, _BLOCK.sub(_block, text))
            obj.docstring.value = _INLINE.sub(r"$\1$", text)


def _mathml(formula: str, display: str) -> str:
    """Return a formula in which a sign after a bracket is that of a number, not a difference."""
    return _SIGN.sub(r'\1<mo form="prefix">', convert(formula, display))


def _block(found: re.Match[str]) -> str:
    """Return a formula on lines of its own."""
    formula = " ".join(found[2].split())
    formula = rf"\begin{{aligned}} {formula} \end{{aligned}}" if "&" in formula else formula
    return f"{found[1]}\n$$\n{formula}\n$$\n"


def _rows(found: re.Match[str]) -> str:
    """Return a table of reStructuredText, whose columns two spaces part, as one of Markdown."""
    head, *rows = (re.split(r" {2,}", line.strip()) for line in [found[1], *found[2].splitlines()])
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _table(group: str) -> str:
    rows = [f"| `{name}` | {about(path)} |" for name, path in files(group).items()]
    return "\n".join([f"| `{group}` | |", "|---|---|", *rows])
