"""Messages for a command line that cannot run: each names the key, what is wrong and what to do."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ganexp.config import compose as configuration
from ganexp.config.compose import first_line
from ganexp.config.errors import ConfigError
from ganexp.config.secret import redact

PREFIX = "ganexp: "
"""What every refusal begins with."""

_ABSENT = object()


def explain_refusal(error: BaseException, cfg: DictConfig) -> str | None:
    """Return the message for an error of a composed configuration, or ``None`` if it is no refusal but a failure."""
    if isinstance(error, ConfigError):
        return _message((_with_value(key, cfg) for key in error.keys), str(error))
    return None


def explain(error: BaseException, arguments: Sequence[str]) -> str | None:
    """Return the message for an error of the command line itself; ``None`` for a failure."""
    if isinstance(error, ConfigError):
        return _message((_as_typed(key, arguments) for key in error.keys), str(error))
    if isinstance(error, MissingConfigException):
        return _unknown_choice(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(error)
    if isinstance(error, ConfigCompositionException):
        return _not_composed(error, arguments)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _message((), first_line(error))
    if isinstance(error, ValueError) and str(error).startswith("Config group override"):
        return _no_name(arguments)
    if isinstance(error, ValueError) and str(error).startswith("Only one of --run"):
        return _message((), "-m and flags that only show something, such as --cfg and --info, exclude each other")
    return None


def _message(settings: Iterable[str], text: str, hint: str = "") -> str:
    where = " ".join(dict.fromkeys(setting for setting in settings if setting))
    return redact(f"{PREFIX}{where}{': ' if where else ''}{' '.join(text.split())}{hint}")


def _with_value(key: str, cfg: DictConfig) -> str:
    """Return ``key=value`` as it could stand on the command line; a group's value is its choice."""
    content = OmegaConf.to_container(cfg, resolve=False)
    value, choices = _select(content, key), _choices(cfg)
    # The user set optimizer.lr where d_optimizer.lr refers to it.
    while (source := re.fullmatch(r"\$\{([\w.]+)\}", str(value))) and _select(content, source[1]) is not _ABSENT:
        key, value = source[1], _select(content, source[1])
    if value is _ABSENT or isinstance(value, dict):
        return f"{key}={choices[key]}" if key in choices else key
    return f"{key}={_typed(value)}"


def _select(content: Any, key: str) -> Any:
    for part in re.findall(r"[^.\[\]]+", key):
        try:
            content = content[int(part)] if isinstance(content, list) else content[part]
        except (LookupError, TypeError, ValueError):
            return _ABSENT
    return content


def _typed(value: Any) -> str:
    """Write a value as it is written on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(_typed, value))}]"
    if isinstance(value, str) and re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?|true|false|null|", value, re.IGNORECASE):
        return f'"{value}"'  # text only because it was quoted
    return str(value)


def _as_typed(key: str, arguments: Sequence[str]) -> str:
    """Return the argument that set a key: of several, the last one counts."""
    return next((argument for argument in reversed(arguments) if argument.lstrip("+~").partition("=")[0] == key), key)


def _choices(cfg: DictConfig) -> dict[str, Any]:
    from hydra.core.hydra_config import HydraConfig

    if "choices" in cfg:  # a resumed run brings its own
        return dict(cfg.choices)
    return dict(HydraConfig.get().runtime.choices) if HydraConfig.initialized() else {}


def _unknown_choice(error: MissingConfigException) -> str:
    group, _, choice = (error.missing_cfg_file or "").rpartition("/")
    return _no_such(group, choice, error.options or ()) if group else _message((), first_line(error))


def _no_such(group: str, choice: str, options: Sequence[str]) -> str:
    meant = configuration.near_miss(choice, options)
    return _message([f"{group}={choice}"], f"no such {group}", _hint(meant and f"{group}={meant}", options))


def _no_name(arguments: Sequence[str]) -> str | None:
    """Return the message for a group that is given null, a number or the like."""
    for override in OverridesParser.create().parse_overrides([argument for argument in arguments if "=" in argument]):
        folder, value = configuration.directory() / override.key_or_group, override.value()
        values = value.list if isinstance(value, ChoiceSweep) else [value]
        wrong = [one for one in values if not isinstance(one, str | list | dict)]
        if folder.is_dir() and wrong:
            options = sorted(path.stem for path in folder.glob("*.yaml"))
            return _no_such(override.key_or_group, _typed(wrong[0]), options)
    return None


def _unreadable(error: OverrideParseException) -> str:
    if "=" not in error.override.strip("="):
        return _message((), f"{error.override!r} is not of the form key=value")
    hint = " (a value with special characters needs quotes twice: \"key='a, b'\")"
    return _message([error.override], f"cannot be read, {first_line(error)}", hint)


def _not_composed(error: ConfigCompositionException, arguments: Sequence[str]) -> str:
    text = str(error)
    if found := re.search(r"(?:Ambiguous value for argument|Sweep parameters) '(.*)'", text):
        key, _, value = found[1].partition("=")
        return _message(
            [found[1]], "several values make a sweep", f" (add -m to run them all, or write a list: {key}=[{value}])"
        )
    if found := re.search(r"Multiple values for ([\w/@.]+)\. ", text):
        return _message([_as_typed(found[1], arguments)], "this group has a choice already", " (write it without +)")
    found = re.search(r"Could not (?:override|append|delete)[^']*'([^'=]*)", text)
    if found is None:
        return _message((), first_line(error))
    setting = _as_typed(found[1], arguments)
    if not found[1]:
        return _message((), f"{next(a for a in arguments if a.startswith('='))!r} is not of the form key=value")
    if "is already at" in text:
        return _message([setting], "this option exists already", " (write it without +)")
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException) and "not in struct" not in str(cause):
        return _message([setting], first_line(cause))
    return _unknown_key(found[1], setting, arguments)


def _unknown_key(key: str, setting: str, arguments: Sequence[str]) -> str:
    keys, groups = _known(arguments)
    parent, value = key.rpartition(".")[0], setting.partition("=")[2]
    if key in keys:
        return _message([setting], f"another override has replaced the section {parent}")
    meant = configuration.near_miss(key, [*groups, *keys])
    siblings = [known.rpartition(".")[2] for known in keys if known.rpartition(".")[0] == parent] if parent else groups
    siblings = [known for known in siblings if not known.startswith("_")]
    hint = _hint(f"{meant}={value}" if meant and value else meant, siblings)
    return _message([setting], "no such option", hint)


def _known(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return all option keys, as far as the groups on the command line say which there are, and all groups."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    folder = configuration.directory()
    groups = sorted(path.name for path in folder.iterdir() if path.is_dir())
    chosen = [argument for argument in arguments if argument.partition("=")[0] in groups and "," not in argument]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(folder), version_base="1.3"):
        try:
            cfg = compose("config", overrides=chosen)
        except HydraException:
            cfg = compose("config")
    return sorted(configuration.flatten(OmegaConf.to_container(cfg, resolve=False))), groups


def _hint(meant: str | None, options: Sequence[str]) -> str:
    if meant:
        return f" (did you mean {meant}?)"
    return f" (choices: {', '.join(options)})" if options else ""
