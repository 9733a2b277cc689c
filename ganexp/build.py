"""Objects from configuration nodes, every value checked against the signature it is meant for.

A node with ``_target_`` becomes ``_target_(**rest)``. Before anything is constructed, unknown options, missing options, and
values of the wrong type or range are refused by name: the annotations of the constructor are the schema, so a new class needs
no other.
"""

import inspect
import typing
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import hydra.utils
from hydra.errors import InstantiationException
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError

from ganexp.config import near_miss
from ganexp.errors import ConfigError

_MARKS = ("_target_", "_partial_", "_recursive_", "_convert_", "_args_")


def build(node: Mapping[str, Any], path: str, **given: Any) -> Any:
    """Check ``node`` and construct what it describes.

    Arguments:
        node: A mapping with ``_target_``, or a mapping of such mappings (which gives a dict of objects).
        path: Where the node stands in the configuration, for messages.
        given: Arguments that come from the program instead of the configuration.

    Raises:
        ConfigError: An option is unknown, missing or of the wrong type or range, or the constructor refuses.
    """
    if "_target_" not in node:
        return {name: build(child, f"{path}.{name}", **given) for name, child in node.items()}
    check(node, path, given)
    try:
        # Given objects are handed over afterwards: Hydra would turn some of them, such as dataclasses, into configuration.
        make = partial(hydra.utils.instantiate({"_convert_": "all", **node, "_partial_": True}), **given)
        return make if node.get("_partial_", False) else make()
    except Exception as error:
        # Whatever a constructor raises, it raises before any work is done; Hydra wraps it if it is nested.
        raise refusal(error, path) from error


def refusal(error: BaseException, path: str) -> ConfigError:
    """Turn what a constructor raised into a refusal of the node at ``path``."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ConfigError):
        return error
    return ConfigError(f"{error}" or type(error).__name__, path)


def check(node: Mapping[str, Any], path: str, given: Mapping[str, Any] | None = None) -> None:
    """Check a node and the nodes inside it against their constructors without constructing anything."""
    target = node["_target_"]
    try:
        # The path comes from a configuration file: anything importable is a class that somebody may have added.
        factory = hydra.utils.get_object(target)
    except Exception as error:
        raise ConfigError(f"there is no {target}: {error}", f"{path}._target_") from error
    parameters, hints = _signature(factory)
    options = {key: value for key, value in node.items() if key not in _MARKS}
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for key, value in options.items():
        if key not in parameters and not anything:
            meant = near_miss(key, list(parameters))
            known = ", ".join(name for name in parameters if name not in (given or {}))
            raise ConfigError(
                f"{target} has no option {key!r}", f"{path}.{key}",
                hint=f"did you mean {meant}?" if meant else f"it has: {known}",
            )  # fmt: skip
        if isinstance(value, Mapping) and "_target_" in value:
            check(value, f"{path}.{key}")
        elif key in hints:
            check_value(value, hints[key], f"{path}.{key}")
    if not node.get("_partial_", False):
        required = [
            name
            for name, parameter in parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        ]
        missing = [name for name in required if name not in options and name not in (given or {})]
        if missing:
            raise ConfigError(f"{target} needs {', '.join(missing)}", path)


@cache
def _signature(factory: Any) -> tuple[dict[str, inspect.Parameter], dict[str, Any]]:
    parameters = dict(inspect.signature(factory).parameters)
    function = factory.__init__ if inspect.isclass(factory) else factory
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):  # a foreign class whose annotations exist for its type checker only
        hints = {}
    return parameters, hints


@cache
def _adapter(hint: Any) -> TypeAdapter | None:
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError, TypeError, NameError):
        return None  # a foreign annotation that says nothing checkable; its constructor decides


def check_value(value: Any, hint: Any, path: str) -> None:
    """Refuse a value that does not fit an annotation."""
    try:
        adapter = _adapter(hint)
    except TypeError:  # an unhashable annotation
        return
    if adapter is None:
        return
    try:
        validated = adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        inside = "".join(f"[{index}]" for index in first["loc"] if isinstance(index, int))
        message = first["msg"][0].lower() + first["msg"][1:]
        raise ConfigError(message, f"{path}{inside}") from None
    if isinstance(value, str) and not isinstance(validated, str):
        # pydantic reads "3" as 3, but the constructor would be handed the text.
        raise ConfigError("input should be a number, not a text in quotes", path)
