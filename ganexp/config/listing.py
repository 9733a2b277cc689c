"""What can be chosen, from the YAML files themselves: the groups, the choices of one with a line each, and a choice whole."""

import re
import textwrap
from pathlib import Path

from ganexp.config.compose import directory, near_miss
from ganexp.config.errors import ConfigError
from ganexp.config.paths import own_folder

_WIDTH = 128
_PACKAGE = "# @package"
_SENTENCE = re.compile(r"(.+?)(?:\.\s.*|\.?$)")
_SOURCE = re.compile(r",? https?://[^\s)]+")
_HIDDEN = ("hydra",)


def groups(folder: str | None = None) -> str:
    """Return a line for each group: its name, and the choices.

    Arguments:
        folder: A folder of configurations beside the shipped ones.
    """
    found = _groups(folder)
    width = max(map(len, found))
    rows = [
        textwrap.fill(", ".join(names), _WIDTH, initial_indent=f"{group:<{width}}  ", subsequent_indent=" " * (width + 2))
        for group, names in found.items()
    ]
    return "\n".join([*rows, "", "ganexp list GROUP says what each is, ganexp list GROUP CHOICE shows its options."])


def choices(group: str, folder: str | None = None) -> str:
    """Return a line for each choice of a group: its name, and the first sentence of its file.

    Raises:
        ConfigError: There is no such group.
    """
    found = files(group, folder)
    width = max(map(len, found)) + 2
    rows = [
        f"{name:<{width}}{textwrap.shorten(about(path), _WIDTH - width, placeholder=' ...')}" for name, path in found.items()
    ]
    return "\n".join(row.rstrip() for row in rows)


def text(group: str, choice: str, folder: str | None = None) -> str:
    """Return the file of a choice: its options, with what they mean.

    Raises:
        ConfigError: There is no such group or choice.
    """
    found = files(group, folder)
    if choice not in found:
        meant = near_miss(choice, found)
        hint = f"did you mean {meant}?" if meant else f"choices: {', '.join(found)}"
        raise ConfigError(f"no such {group}", f"{group}={choice}", hint=hint)
    return found[choice].read_text("utf-8").rstrip()


def files(group: str, folder: str | None = None) -> dict[str, Path]:
    """Return the files of a group, by the names of its choices.

    Raises:
        ConfigError: There is no such group.
    """
    found = _groups(folder)
    if group not in found:
        meant = near_miss(group, found)
        raise ConfigError("no such group", group, hint=f"did you mean {meant}?" if meant else f"choices: {', '.join(found)}")
    return found[group]


def _groups(folder: str | None) -> dict[str, dict[str, Path]]:
    """Return the files of each group, by the names of the choices; those of the folder come first, as for Hydra."""
    places = [directory()]
    if folder is not None:
        places.append(own_folder(folder))
    found: dict[str, dict[str, Path]] = {}
    for place in places:
        for path in sorted(place.glob("*/*.yaml")):
            if path.parent.name not in _HIDDEN:
                found.setdefault(path.parent.name, {})[path.stem] = path
    return dict(sorted(found.items()))


def about(path: Path) -> str:
    """Return the first sentence of the comment that a file begins with, without addresses of papers."""
    lines: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith(_PACKAGE):
            continue
        if not line.startswith("# "):
            break
        lines.append(line.removeprefix("# "))
    found = _SENTENCE.match(_SOURCE.sub("", " ".join(lines)).replace("()", ""))
    return " ".join(found[1].split()) if found else ""
