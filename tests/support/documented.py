"""The documentation as examples: each section of a page is an empty folder, the files it shows, and its commands in order.

A block whose first lines name a file (``# mine.py``) is that file, or more of it; another block of Python runs as a script;
``sh`` is commands. Words like ``<run>`` stand for a run that is there: the section's own, or else any.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"\s*```\s*(\w*)")
_FILE = re.compile(r"\A(?:# @package _global_\n)?# ([\w./-]+\.(?:py|yaml|csv))\n")
_SPAN = re.compile(r"(?<!`)`((?:python -m )?ganexp(?:\.\w+)? [^`]+[ =][^`]+)`(?!`)", re.DOTALL)

_PATTERN = re.compile(r"(^|=)[A-Z]+$")
"""What stands for any value, as in ``ganexp data=DATA``."""


@dataclass
class Section:
    """What stands below one heading: files by name, what is run, in order, and the commands that the prose names.

    Attributes:
        page: The page's name.
        title: The heading.
        files: Their texts.
        steps: The words of a command, or a script.
        named: The words of commands.
    """

    page: str
    title: str
    files: dict[str, str] = field(default_factory=dict)
    steps: list[list[str] | str] = field(default_factory=list)
    named: list[list[str]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page}#{self.title}"

    def take(self, language: str, block: str) -> None:
        """Add a block of code."""
        if language in ("sh", "bash", "console"):
            lines = (line.removeprefix("$ ") for line in block.replace("\\\n", " ").splitlines())
            self.steps += [words for line in lines if (words := shlex.split(line, comments=True))]
        elif named := _FILE.match(block):
            self.files[named[1]] = self.files.get(named[1], "") + block
        elif language == "python":
            self.steps.append(block)


def sections(page: Path) -> list[Section]:
    """Return the sections of a page, which its headings of the second level begin."""
    name = page.relative_to(ROOT).as_posix()
    found = [Section(name, "")]
    language, block, prose = None, list[str](), list[str]()
    for line in [*page.read_text().splitlines(), "## "]:
        fence = _FENCE.match(line)
        if fence and language is None:
            language, block = fence[1], []
        elif fence and language is not None:
            found[-1].take(language, "".join(f"{line}\n" for line in block))
            language = None
        elif language is not None:
            block.append(line)
        elif line.startswith("## "):
            spans = (shlex.split(span) for span in _SPAN.findall("\n".join(prose)))
            found[-1].named = [words for words in spans if not any(map(_PATTERN.search, words))]
            found.append(Section(name, line.removeprefix("## ")))
            prose = []
        else:
            prose.append(line)
    return [section for section in found if section.steps or section.named]
