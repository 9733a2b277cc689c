"""Objects from configuration nodes, every value checked against the signature it is meant for.

A node with ``_target_`` becomes ``_target_(**rest)``. Before anything is constructed, unknown options, missing options, and
values of the wrong type or range are refused by name: the annotations of the constructor are the schema, so a new class needs
no other. Which class a section may name is in :mod:`ganexp.config.classes`.
"""

import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial, reduce
from typing import Any

import hydra.utils
from hydra.errors import InstantiationException
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import ErrorDetails
from typing_extensions import Unpack

from ganexp.config.classes import check_class, check_object, find
from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError

_MARKS = ("_target_", "_partial_", "_recursive_", "_convert_", "_args_")
_LONGEST_LIST = 12
_KINDS = {bool: "true or false", int: "a whole number", float: "a number"}
# pydantic's types of errors, in the words of a user.
_WORDING = {
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "string_type": "should be text",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "sequence_str": "should be a list",
    "too_short": "should not be empty",
}
_SHORTER = {
    "Input should": "should", "an instance of Sequence": "a list",
    "greater than or equal to": "at least", "less than or equal to": "at most",
}  # fmt: skip


def build(node: Mapping[str, Any], path: str, offered: Sequence[object] = (), **given: Any) -> Any:
    """Check ``node`` and construct what it describes.

    Arguments:
        node: A mapping with ``_target_``, or a mapping of such mappings (which gives a dict of objects).
        path: Where the node stands in the configuration, for messages.
        offered: Objects that a constructor may ask for: each goes to the parameters that are annotated with its class.
        given: Arguments that come from the program instead of the configuration.

    Raises:
        ConfigError: The class is not that of the section; an option is unknown, missing or of the wrong type or range; or the
            constructor refuses.
    """
    if not isinstance(node, Mapping):
        raise ConfigError("should be a section of options", path, hint=f"~{path} leaves it out")
    check_class(node, path)
    if "_target_" not in node:
        return {name: build(child, f"{path}.{name}", offered, **given) for name, child in node.items()}
    given = _asked(node, path, offered) | given
    check(node, path, given)
    try:
        # Given objects are handed over afterwards: Hydra would turn some of them, such as dataclasses, into configuration.
        make = partial(hydra.utils.instantiate({"_convert_": "all", **node, "_partial_": True}), **given)
        if node.get("_partial_", False):
            return make
        made = make()
    except Exception as error:
        # Whatever a constructor raises, it raises before any work is done; Hydra wraps it if it is nested.
        raise refusal(error, path) from error
    check_object(made, path)
    return made


def try_out(make: Callable[..., Any], node: Mapping[str, Any], path: str, *arguments: Any) -> None:
    """Call what :func:`build` made of a partial node, and refuse what it refuses.

    Foreign constructors often leave out which option they speak of: that one is named that is refused even alone.

    Raises:
        ConfigError: The call fails.
    """
    try:
        make(*arguments)
    except Exception as error:
        factory, text = find(node["_target_"], path), str(error)
        options = {key: value for key, value in node.items() if key not in _MARKS}
        # The likely one first: what follows a refusal takes no time, but a successful first optimiser takes seconds of imports.
        likely = sorted(options, key=lambda name: str(options[name]) not in text)
        alone = next((name for name in likely if _refuses(factory, arguments, {name: options[name]})), None)
        raise refusal(error, f"{path}.{alone}" if alone else path) from error


def refusal(error: BaseException, *paths: str) -> ConfigError:
    """Turn what a constructor raised into a refusal of the options or nodes at ``paths``."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ConfigError):
        return error
    text = " ".join(str(error).split()) or type(error).__name__
    return ConfigError(re.sub(r"^[A-Z](?=[a-z])", lambda letter: letter[0].lower(), text), *paths)


def mentioned(error: BaseException, path: str, options: Mapping[str, Any]) -> list[str]:
    """Return the paths of the options that an error's text names or quotes, else the path of the node they belong to."""
    named = [option for option in options if re.search(rf"\b{re.escape(option)}\b", str(error))]
    quoted = [option for option, value in options.items() if isinstance(value, str) and repr(value) in str(error)]
    return [f"{path}.{option}" for option in named or quoted] or [path]


def check(node: Mapping[str, Any], path: str, given: Mapping[str, Any] | None = None) -> None:
    """Check a node and the nodes inside it against their constructors without constructing anything.

    Raises:
        ConfigError: The constructor cannot be found or takes no such options.
    """
    factory = find(node["_target_"], f"{path}._target_")
    name, given = str(node["_target_"]).rpartition(".")[2], given or {}
    parameters, hints = signature(factory)
    options = {key: value for key, value in node.items() if key not in _MARKS}
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    required = {
        key
        for key, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and key not in given
    }
    foreign = [key for key in options if key not in parameters and not anything]
    for key, value in options.items():
        if key in foreign:
            # What a partial node leaves open is filled in by the program.
            program = set(given) | (required - set(options) if node.get("_partial_", False) else set())
            known = [parameter for parameter in parameters if parameter not in program]
            meant = near_miss(key, known)
            hint = f"did you mean {path}.{meant}?" if meant else f"it has {_listed(known)}"
            if len(foreign) > 1:  # as where only _target_ was set and the default's options are still there
                hint += f"; leave out what it does not have: {' '.join(f'~{path}.{one}' for one in foreign)}"
            raise ConfigError(f"{name} has no option {key!r}", f"{path}.{key}", hint=hint)
        if nodes := _nodes(value, f"{path}.{key}"):
            for place, inner in nodes:
                check(inner, place)
        elif key in hints:
            check_value(value, hints[key], f"{path}.{key}")
    missing = sorted(required - set(options))
    if missing and not node.get("_partial_", False):
        raise ConfigError(f"{name} needs {', '.join(missing)}", path)


def _nodes(value: Any, path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the nodes that a value is, or that are entries of it, with their places."""
    if isinstance(value, Mapping):
        return [(path, value)] if "_target_" in value else []
    entries = enumerate(value) if isinstance(value, list) else ()
    return [found for index, entry in entries for found in _nodes(entry, f"{path}[{index}]")]


def check_value(value: Any, hint: Any, path: str) -> None:
    """Refuse a value that does not fit an annotation.

    Raises:
        ConfigError: It does not.
    """
    try:
        adapter = _adapter(hint)
    except TypeError:  # an unhashable annotation
        return
    if adapter is None:
        if inspect.isclass(hint) and not isinstance(value, hint):  # a configuration holds no objects
            raise ConfigError(f"should be a section that makes an object of {hint.__name__}", path)
        return
    try:
        validated = adapter.validate_python(value)
    except ValidationError as error:
        raise _misfit(error, path) from None
    except PydanticUserError:  # an annotation that names what is not defined
        return
    _check_unchanged(value, validated, path)


def _misfit(error: ValidationError, path: str) -> ConfigError:
    """Put pydantic's findings into one sentence about the first value that is wrong."""
    found = error.errors()
    # In a union, what is said of an entry comes from the branch that was meant.
    first, *others = [one for one in found if any(isinstance(part, int) for part in one["loc"])] or found
    index = [part for part in first["loc"] if isinstance(part, int)]
    if first["type"] == "missing":  # of a tuple; the last one that is missing says how long it is
        return ConfigError(f"should be a list of {int((others or [first])[-1]['loc'][-1]) + 1}", path)
    wordings = [
        _wording(found)
        for found in (first, *others)
        if [part for part in found["loc"] if isinstance(part, int)] == index  # the branches of a union
    ]
    foreign = [wording for wording in wordings if "instance of" in wording]  # nothing that a configuration can hold
    unique = dict.fromkeys(wording for wording in wordings if wording not in foreign or len(foreign) == len(wordings))
    alternatives = [wording.removeprefix("should be ") for wording in unique if wording.startswith("should be ")]
    message = f"should be {' or '.join(alternatives)}" if len(alternatives) == len(unique) else next(iter(unique))
    return ConfigError(message[0].lower() + message[1:], path + "".join(f"[{part}]" for part in index))


def _wording(found: ErrorDetails) -> str:
    """Return one of pydantic's findings in the words of a user."""
    if found["type"] == "too_long":
        return f"should be a list of {found['ctx']['max_length']}"
    return _WORDING.get(found["type"], reduce(lambda text, pair: text.replace(*pair), _SHORTER.items(), found["msg"]))


def _check_unchanged(value: Any, validated: Any, path: str) -> None:
    """Refuse what pydantic reads as something else, such as "3" as 3: the constructor would be handed the value as it was."""
    if isinstance(value, list) and isinstance(validated, Sequence):
        for index, (item, read) in enumerate(zip(value, validated, strict=True)):
            _check_unchanged(item, read, f"{path}[{index}]")
    kind = type(validated)
    if kind in _KINDS and type(value) is not kind and (type(value), kind) != (int, float):
        raise ConfigError(f"should be {_KINDS[kind]}", path, hint=f"write {str(validated).lower()}")


def _asked(node: Mapping[str, Any], path: str, offered: Sequence[object]) -> dict[str, Any]:
    """Return the offered objects by the parameters that ask for them by their annotation: ``X`` or ``X | None``."""
    hints = signature(find(node["_target_"], f"{path}._target_"))[1]
    return {name: x for name, hint in hints.items() for x in offered if type(x) in (hint, *typing.get_args(hint))}


@cache
def signature(factory: Any) -> tuple[dict[str, inspect.Parameter], dict[str, Any]]:
    """Return parameters and annotations; ``**options: Unpack[Shared]`` stands for the entries of the TypedDict ``Shared``."""
    try:
        parameters = dict(inspect.signature(factory).parameters)
    except ValueError:  # written in C, and says nothing of itself; its constructor decides
        parameters = {"options": inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)}
    function = factory.__init__ if inspect.isclass(factory) else factory
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):  # a foreign class whose annotations exist for its type checker only
        hints = {}
    for name, parameter in list(parameters.items()):
        if parameter.kind is parameter.VAR_KEYWORD and typing.get_origin(hints.get(name)) is Unpack:
            (shared,) = typing.get_args(hints[name])
            entries = typing.get_type_hints(shared, include_extras=True)
            del parameters[name]
            # What is left out has the default of the class that takes the options.
            parameters |= {key: inspect.Parameter(key, parameter.KEYWORD_ONLY, default=None) for key in entries}
            hints |= entries
    return parameters, hints


@cache
def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError, TypeError, NameError):
        return None  # a foreign annotation that says nothing checkable; its constructor decides


def _refuses(make: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> bool:
    try:
        make(*arguments, **options)
    except Exception:  # that it fails is the answer; the caller has the error of the whole call to show
        return True
    return False


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:_LONGEST_LIST]) + (", ..." if len(names) > _LONGEST_LIST else "")
