"""The flags of the command line. Hydra's parser reads them; what it would refuse in its own words is refused here first."""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from ganexp.config.errors import ConfigError


def read_flags(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the flags, wherever they stand.

    Returns:
        What they say, with the overrides as ``overrides``; and all arguments as Hydra's parser takes them, overrides first.

    Raises:
        ConfigError: There is no such flag, or it lacks its value.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    flags, unknown = parser.parse_known_intermixed_args([argument for argument in arguments if argument != "--version"])
    if unknown:
        raise _no_such_flag(unknown[0], arguments)
    if flags.experimental_rerun:
        raise ConfigError("this flag of Hydra's does not apply here", "--experimental-rerun", hint="use repeat=RUN")
    if flags.resolve and not (flags.cfg or flags.help):
        raise ConfigError("this flag says how --cfg shows the configuration", "--resolve", hint="write --cfg job --resolve")
    left = Counter(flags.overrides)
    rest = []
    for argument in arguments:
        if left[argument]:
            left[argument] -= 1
        else:
            rest.append(argument)
    return flags, [*flags.overrides, *rest]


def _refuse(message: str) -> NoReturn:
    """Raise what argparse found."""
    argument, _, text = message.removeprefix("argument ").partition(": ")
    raise ConfigError(text or argument, *([argument] if text else []))


def _no_such_flag(flag: str, arguments: Sequence[str]) -> ConfigError:
    name, equals, value = flag.lstrip("-").partition("=")
    if not equals:
        following = arguments[arguments.index(flag) + 1 :]
        value = following[0] if following and not following[0].startswith("-") and "=" not in following[0] else "..."
    return ConfigError("no such flag", flag.partition("=")[0], hint=f"options have no dashes: {name}={value}")
