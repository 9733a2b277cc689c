"""The verbs of the command line: ``ganexp train|sweep|resume|repeat|sample|evaluate|compare|list``.

A verb is another way to write a command: ``ganexp train data=grid`` is ``python -m ganexp data=grid``, and
``ganexp sample run=RUN`` is ``python -m ganexp.sample run=RUN``. Without one, ``ganexp`` trains, or sweeps with ``-m``.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from ganexp.config.errors import ConfigError
from ganexp.config.listing import choices, groups, text

_PROGRAMS = {
    "sample": "ganexp.sampling.program",
    "evaluate": "ganexp.evaluation.program",
    "compare": "ganexp.comparison.program",
}
_SAVED = {"resume": "continue", "repeat": "repeat"}
_FOLDER = ("--config-dir", "-cd")


def translate(given: Sequence[str]) -> list[str] | None:
    """Return the arguments of the command that a verb stands for; None where it has been done.

    Arguments:
        given: The arguments of the command line; without a verb they stay as they are.

    Raises:
        ConfigError: The verb lacks what it is about, or has too much.
        SystemExit: A program has ended.
    """
    verb, *rest = given or ("",)
    if verb in _PROGRAMS:
        sys.argv[1:] = rest
        import_module(_PROGRAMS[verb]).main()
        return None
    if verb == "list":
        print(_listed(rest), flush=True)
        return None
    if verb == "train":
        return rest
    if verb == "sweep":
        return ["-m", *rest]
    if verb in _SAVED:
        if not rest or rest[0].startswith("-"):
            raise ConfigError(f"name the run to {_SAVED[verb]}", verb, hint=f"ganexp {verb} outputs/<name>/<time>-<id>")
        return [f"{verb}={rest[0].removeprefix(f'{verb}=')}", *rest[1:]]
    return list(given)


def _listed(arguments: Sequence[str]) -> str:
    """Return what ``ganexp list`` shows: all groups, the choices of one, or the file of a choice."""
    folder, names = None, list(arguments)
    for flag in _FOLDER:
        if flag in names and (place := names.index(flag)) + 1 < len(names):
            folder = names[place + 1]
            del names[place : place + 2]
    if wrong := [name for name in names if name.startswith("-") or "=" in name]:
        raise ConfigError("ganexp list takes a group, and one of its choices", wrong[0], hint="such as ganexp list loss hinge")
    if len(names) > 2:
        raise ConfigError("ganexp list shows one choice at a time", names[2])
    if not names:
        return groups(folder)
    return text(names[0], names[1], folder) if len(names) == 2 else choices(names[0], folder)
