"""Programs beside the main one: options as ``key=value``, checked against a dataclass, refused in the main program's words.

Contract: a program's options are the fields of a dataclass, their annotations are its schema and its docstring is its help. One
of them, a list, may be ``field(metadata=POSITIONAL)``: its values stand on the command line without a key.
Exit status: 0 done, 1 failed, 2 refused, 128 + n stopped by signal n.
"""

import glob
import inspect
import json
import os
import re
import shlex
import signal
import sys
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from ganexp.config.compose import first_line, near_miss, plain
from ganexp.config.errors import ConfigError
from ganexp.config.output import lasting
from ganexp.config.paths import user_path

Options = TypeVar("Options")

POSITIONAL = {"positional": True}

_WIDTH = 128
_FOLDER, _FLAGS = "config_dir", ("--config-dir", "-cd")
_OPTION = re.compile(r"\w+(\.\w+)*=")


def command(program: str, options: type[Options], work: Callable[[Options], object]) -> int:
    """Read the command line, do the work, and return the exit status; a refusal is reported in one line.

    ``HYDRA_FULL_ERROR=1`` shows the traceback of a refusal, as the main program does.

    Arguments:
        program: How the program is started, for its help.
        options: The dataclass that describes the options.
        work: What to do with them.
    """
    with lasting():
        return _command(program, options, work, sys.argv[1:])


def _command(program: str, options: type[Options], work: Callable[[Options], object], arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(describe(program, options))
        return 0
    try:
        work(read(arguments, options))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        from ganexp.config.refusals import explain
        from ganexp.config.shortage import explain_shortage

        if isinstance(error, ConfigError):
            print(explain(error, arguments), file=sys.stderr)
            return 2
        message = explain_shortage(error, "What was there before is as it was.", shlex.join([*program.split(), *arguments]))
        if message is None:
            raise
        print(message, file=sys.stderr)
        return 1
    return 0


def read(arguments: Sequence[str], options: type[Options]) -> Options:
    """Turn ``key=value`` arguments into options; of a key that is given twice, the last value counts.

    What an option of text is given is text, whatever YAML would make of it: ``classes=1`` names the class 1, ``run=1e3`` the
    run 1e3. A key with a dot, such as ``data.root``, sets an entry of an option that is a mapping. What has no key belongs to
    the option that is positional, if there is one, and so does a path that exists, or a pattern of such, even if it looks like
    ``a=b``. ``--config-dir DIR`` is the option ``config_dir``, if there is one.

    Raises:
        ConfigError: An option is unknown, missing, or of the wrong type or range.
    """
    from omegaconf import DictConfig, OmegaConf

    hints = typing.get_type_hints(options, include_extras=True)
    known = [field.name for field in fields(options)]  # type: ignore[arg-type] # mypy does not know that it is a dataclass
    listed = _positional(options)
    arguments, folder = _without_flag(arguments, known)
    alone = [argument for argument in arguments if listed and _stands_alone(argument, known)]
    given = OmegaConf.create({})
    for argument in (argument for argument in arguments if argument not in alone):
        key, _, value = argument.partition("=")
        if not _OPTION.match(argument):
            raise ConfigError(f"{argument!r} is not of the form key=value")
        if key.partition(".")[0] not in known:
            meant = near_miss(key, known)
            hint = f"did you mean {meant}={value}?" if meant else f"choices: {', '.join(known)}"
            raise ConfigError("no such option", key, hint=hint)
        try:
            read = OmegaConf.create({key: _text(value)}) if _is_text(hints.get(key)) else OmegaConf.from_dotlist([argument])
        except Exception as error:  # whatever the parser makes of it
            raise ConfigError(
                f"cannot be read, {first_line(error)}", key, hint="text may need quotes: key=\"'a: b'\""
            ) from error
        given = typing.cast(DictConfig, OmegaConf.unsafe_merge(given, read))
    return make(options, ({listed: alone} if listed and alone else {}) | plain(given) | folder)


def make(options: type[Options], values: Mapping[str, Any]) -> Options:
    """Return options from their values, as a configuration has them.

    Raises:
        ConfigError: An option is unknown, missing, or of the wrong type or range.
    """
    from ganexp.config.build import check_value  # imports pydantic

    hints = typing.get_type_hints(options, include_extras=True)
    for name in values:
        if name not in hints:
            meant = near_miss(name, hints)
            raise ConfigError(
                "no such option", name, hint=f"did you mean {meant}?" if meant else f"choices: {', '.join(hints)}"
            )
    for field in fields(options):  # type: ignore[arg-type] # mypy does not know that it is a dataclass
        if field.name in values:
            check_value(values[field.name], hints[field.name], field.name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError("a value is required", field.name)
    return options(**values)


def arguments(options: Any) -> list[str]:
    """Return the arguments of the command line that give options, without those that are as by default."""
    found = []
    for field in fields(options):
        value = getattr(options, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if field.metadata == POSITIONAL:
            found += value
        elif isinstance(value, dict):
            found += [f"{field.name}.{key}={typed(one)}" for key, one in value.items()]
        elif value != default:
            found.append(f"{field.name}={typed(value)}")
    return found


def describe(program: str, options: type) -> str:
    """Return the help: the dataclass's docstring, with each option's default."""
    introduction, _, arguments = (inspect.getdoc(options) or "").partition("\nArguments:\n")
    texts = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", arguments, re.MULTILINE)
    words = {name: " ".join(text.split()) for name, text in texts}
    defaults = {field.name: f"{field.name}={_default(field)}" for field in fields(options)}
    listed = _positional(options)
    if listed:
        defaults[listed] = f"{listed} ..."
    column = max(map(len, defaults.values())) + 4
    rows = [
        textwrap.fill(
            words[name], _WIDTH, initial_indent=f"  {shown}".ljust(column), subsequent_indent=" " * column
        )
        for name, shown in defaults.items()
    ]  # fmt: skip
    return "\n".join([f"{program} {f'{listed} ... ' if listed else ''}option=value ...", "", introduction.strip(), "", *rows])


def typed(value: Any) -> str:
    """Write a value as it is written on the command line."""
    if isinstance(value, list):
        return f"[{','.join(map(typed, value))}]"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _without_flag(arguments: Sequence[str], known: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Take out the flag that the main program has for a folder of YAML files, where there is such an option."""
    left, found = list(arguments), dict[str, str]()
    for index in reversed(range(len(left) if _FOLDER in known else 0)):
        flag, equals, value = left[index].partition("=")
        if flag in _FLAGS and (equals or index + 1 < len(left)):
            found[_FOLDER] = value if equals else left[index + 1]
            del left[index : index + (1 if equals else 2)]
    return left, found


def _positional(options: type) -> str | None:
    """Return the name of the option that takes arguments without a key."""
    return next((field.name for field in fields(options) if field.metadata == POSITIONAL), None)


def _stands_alone(argument: str, known: Sequence[str]) -> bool:
    if argument.startswith(("-", "=")):
        return False
    key = re.split(r"[.=]", argument)[0]
    path = str(user_path(argument))
    return not _OPTION.match(argument) or (key not in known and (Path(path).exists() or bool(glob.glob(path))))


def _is_text(hint: Any) -> bool:
    """Return whether an annotation takes nothing but text: ``str``, lists of it, and None."""
    inner = typing.get_args(hint)
    return hint in (str, type(None)) or (typing.get_origin(hint) is not Literal and bool(inner) and all(map(_is_text, inner)))


def _text(value: str) -> Any:
    """Read text, or a list of texts, as YAML quotes them; null is None."""
    import yaml

    read = yaml.load(value, Loader=yaml.BaseLoader)  # which makes text of every scalar
    return None if value == "null" else "" if read is None else read


def _default(field: Any) -> str:
    if field.default is MISSING:
        return "..." if field.default_factory is MISSING else ""
    return typed(field.default)
