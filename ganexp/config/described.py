"""What Python passes, as overrides: options, and objects as the nodes by which a run, and whoever repeats it, builds them.

Contract: an object is its class and the arguments of its constructor, in plain values. They are those of a
:func:`functools.partial`, or none of a class alone, or the attributes of an object that have the names of the arguments. What
is passed is never used itself: the run builds its own, so it is saved, resumed and sampled as any other.
"""

import inspect
import math
import os
import re
from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from typing import Any, cast

from ganexp.config.classes import BASES, MANY
from ganexp.config.compose import quote
from ganexp.config.errors import ConfigError

_PLAIN = bool | int | float | str | None
_WORD = re.compile(r"[A-Za-z_][\w./-]*")
_NAMED = ("data", "model")  # groups by whose choices recipes are found
_NO_WORDS = {"null", "true", "false", "inf", "nan", "yes", "no", "on", "off"}
_ABSENT = object()


def overrides(given: Iterable[str], options: Mapping[str, Any], sweeps: bool = False) -> list[str]:
    """Return the overrides of a command line that say the same as arguments in Python.

    Arguments:
        given: Overrides, as they are.
        options: Options by name: a value; a mapping of options, which stands for its entries; or an object, a class or a
            partial of one, in the place of a choice.
        sweeps: Whether a list is several values to try, not one value.

    Raises:
        ConfigError: Something is neither, or an object cannot be described.
    """
    for text in given:
        if not isinstance(text, str):
            raise ConfigError(f"overrides are text, such as 'loss=hinge', not {_kind(text)}", hint="pass the rest by name")
    return [*given, *(found for key, value in options.items() for found in _override(key, value, sweeps))]


def node(thing: Any, path: str) -> dict[str, Any]:
    """Return the node by which an object is built; also one that a class, a function or a partial of them makes.

    Raises:
        ConfigError: It is none that another process could import, or its arguments are not known or not plain.
    """
    is_factory = inspect.isclass(thing) or inspect.isroutine(thing)
    factory = thing.func if isinstance(thing, partial) else thing if is_factory else type(thing)
    name = f"{factory.__module__}.{factory.__qualname__}"
    if "<" in name:
        raise ConfigError(f"{factory.__qualname__} is nothing that a run could import", path, hint="define it in a module")
    if isinstance(thing, partial):
        if thing.args:
            raise ConfigError("a partial names its arguments", path, hint=f"write partial({factory.__name__}, name=value)")
        arguments = dict(thing.keywords)
    else:
        arguments = {} if is_factory else _kept(thing, path)
    return {"_target_": name, **{key: _plain(value, f"{path}.{key}") for key, value in arguments.items()}}


def text(value: Any) -> str:
    """Write a plain value in Hydra's language."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) and value.lower() not in _NO_WORDS else quote(value)
    return repr(value)


def _override(key: str, value: Any, sweeps: bool) -> list[str]:
    if sweeps and isinstance(value, list | tuple | range):
        if not value:
            raise ConfigError("this sweeps over no value", key)
        return [f"{key}={','.join(text(_plain(one, key)) for one in value)}"]
    if isinstance(value, Mapping):
        return [found for name, one in value.items() for found in _override(f"{key}.{name}", one, sweeps)]
    if _is_plain(value):
        return [f"{key}={text(_plain(value, key))}"]
    section, _, name = key.partition(".")
    if section not in BASES or (name and section not in MANY):
        places = ", ".join(sorted(found for found in BASES if "." not in found))
        raise ConfigError(f"takes no {_kind(value)}", key, hint=f"objects stand for {places}")
    if section in _NAMED:
        hint = f"write {section}/mine.yaml with _target_: {node(value, key)['_target_']}, and pass config_dir"
        raise ConfigError("takes no object, as recipes go by its name", key, hint=hint)
    described = text(node(value, key))
    if name:
        return [f"+{key}={described}"]
    if section in ("metrics", "callbacks", "logger", "regularizers"):
        raise ConfigError("holds several by name", key, hint=f"write {key}={{'mine': ...}}")
    return [f"~{key}", f"+{key}={described}"]


def _kept(thing: Any, path: str) -> dict[str, Any]:
    """Return the arguments of an object's constructor, from its attributes."""
    from ganexp.config.build import signature  # imports pydantic

    found = {}
    for name, parameter in signature(cast(Hashable, type(thing)))[0].items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = getattr(thing, name, _ABSENT)
        if value is _ABSENT:
            kind = type(thing).__name__
            hint = f"keep it, self.{name} = {name}, or pass functools.partial({kind}, {name}=...)"
            raise ConfigError(f"{kind} keeps no attribute {name!r}, so a run cannot know how it was made", path, hint=hint)
        found[name] = value
    return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN | list | tuple | range | os.PathLike) or hasattr(value, "item")


def _plain(value: Any, path: str) -> Any:
    """Return a value as YAML has it.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(value, Mapping):
        return {str(key): _plain(one, f"{path}.{key}") for key, one in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(one, path) for one in value]
    if isinstance(value, os.PathLike):  # a path, or a run
        return os.fspath(value)
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a number of numpy's
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: math.inf, -math.inf: -math.inf}.get(value, math.nan)
    if isinstance(value, _PLAIN):
        return value
    hint = "keep it in a file, and pass the file's path"
    raise ConfigError(f"should be a number, text, a list or the like, not {_kind(value)}", path, hint=hint)


def _kind(value: Any) -> str:
    return value.__name__ if inspect.isclass(value) else f"{type(value).__name__} object"
