"""Messages for a command line that cannot run: each names the key, what is wrong and what to do."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ganexp.config import compose as configuration
from ganexp.config.compose import first_line
from ganexp.config.errors import ConfigError
from ganexp.config.flags import read_flags
from ganexp.config.secret import redact
from ganexp.config.typed import ELSEWHERE, groups_of, key_of

PREFIX = "ganexp: "
"""What every refusal begins with."""

_LONGEST = 300  # letters of a setting that are shown; paths are shorter
_ABSENT = object()


def stated(error: BaseException, message: str) -> ConfigError:
    """Return an error as a refusal in the words of a message of :func:`explain` or :func:`explain_refusal`."""
    found = ConfigError(message.removeprefix(PREFIX), *getattr(error, "keys", ()))
    found.stated = True
    return found


def explain_refusal(error: BaseException, cfg: DictConfig, typed: Mapping[str, str] | None = None) -> str | None:
    """Return the message for an error of a composed configuration, or ``None`` if it is no refusal but a failure.

    Arguments:
        error: The error.
        cfg: The configuration.
        typed: Values that were given and are not in it.
    """
    typed = typed or {}
    if isinstance(error, ConfigError):
        return _message((f"{key}={typed[key]}" if key in typed else _with_value(key, cfg) for key in error.keys), str(error))
    return None


def explain(error: BaseException, arguments: Sequence[str]) -> str | None:
    """Return the message for an error of the command line itself; ``None`` for a failure."""
    if isinstance(error, ConfigError):
        return _message((_as_typed(key, arguments) for key in error.keys if not error.stated), str(error))
    if isinstance(error, MissingConfigException):
        return _unknown_choice(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(error)
    if isinstance(error, ConfigCompositionException):
        return _not_composed(error, arguments)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _message((), first_line(error))
    if isinstance(error, ValueError) and str(error).startswith("Only one of --run"):
        return _message((), "-m and flags that only show something, such as --cfg and --info, exclude each other")
    if _is_hydras(error):
        return _no_name(arguments) or _message((), first_line(error))
    return None


def stating(act: Callable[[], Any], typed: Sequence[str]) -> Any:
    """Do something, and let refusals say what the command line says.

    Raises:
        ConfigError: It cannot be done.
    """
    try:
        return act()
    except Exception as error:
        if (message := explain(error, typed)) is None:
            raise
        raise stated(error, message) from error


def _is_hydras(error: BaseException) -> bool:
    """Return whether Hydra, or what it reads configurations with, has raised an error of a general class."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__")).partition(".")[0] in ("hydra", "omegaconf", "yaml")


def _message(settings: Iterable[str], text: str, hint: str = "") -> str:
    where = " ".join(dict.fromkeys(_shortened(setting) for setting in settings if setting))
    return redact(f"{PREFIX}{where}{': ' if where else ''}{' '.join(f'{text}{hint}'.split())}")


def _shortened(setting: str) -> str:
    """Return a setting on one line, and not all of it where it is very long."""
    line = " ".join(setting.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


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
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|true|false|null|", value, re.IGNORECASE):
        return f'"{value}"'  # text only because it was quoted
    return str(value)


def _as_typed(key: str, arguments: Sequence[str]) -> str:
    """Return the argument that set a key: of several, the last one counts."""
    return next((argument for argument in reversed(arguments) if key_of(argument) == key), key)


def _choices(cfg: DictConfig) -> dict[str, Any]:
    from hydra.core.hydra_config import HydraConfig

    if "choices" in cfg:  # a saved run brings its own
        return dict(cfg.choices)
    return dict(HydraConfig.get().runtime.choices) if HydraConfig.initialized() else {}


def _unknown_choice(error: MissingConfigException) -> str:
    group, _, choice = (error.missing_cfg_file or "").rpartition("/")
    return _no_such(group, choice, error.options or ()) if group else _message((), first_line(error))


def _no_such(group: str, choice: str, options: Sequence[str]) -> str:
    if group in ELSEWHERE:
        return _message([f"{group}={choice}"], f"no such {group}", f" ({ELSEWHERE[group]})")
    meant = configuration.near_miss(choice, options)
    return _message([f"{group}={choice}"], f"no such {group}", _hint(meant and f"{group}={meant}", options))


def _no_name(arguments: Sequence[str]) -> str | None:
    """Return the message for a group that is given null, a number or the like."""
    try:
        overrides = OverridesParser.create().parse_overrides([argument for argument in arguments if "=" in argument])
    except OverrideParseException:  # --shell-completion reads them in another way
        return None
    for override in overrides:
        folders, value = [folder / override.key_or_group for folder in _folders(arguments)], override.value()
        values = value.list if isinstance(value, ChoiceSweep) else value if isinstance(value, list) else [value]
        wrong = [one for one in values if not isinstance(one, str)]
        if any(folder.is_dir() for folder in folders) and wrong:
            options = sorted(path.stem for folder in folders for path in folder.glob("*.yaml"))
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
    if key in ELSEWHERE:
        return _message([setting], "no such option", f" ({ELSEWHERE[key]})")
    if any(known.startswith(f"{parent}.") for known in keys):  # in that section, or of that very name in another
        meant = configuration.near_miss(key, [k for k in keys if k.rpartition(".")[0] == parent or _last(k) == _last(key)])
    else:
        meant = configuration.near_miss(key, [*groups, *keys])
    siblings = [_last(known) for known in keys if known.rpartition(".")[0] == parent] if parent else groups
    siblings = [known for known in siblings if not known.startswith("_")]
    hint = _hint(f"{meant}={value}" if meant and value else meant, siblings)
    return _message([setting], "no such option", hint)


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _known(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return all option keys, as far as the groups on the command line say which there are, and all groups."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    own, *others = _folders(arguments)
    groups = groups_of([own, *others])
    path = [f"hydra.searchpath=[{','.join(configuration.quote(str(folder)) for folder in others)}]"] if others else []
    chosen = [argument for argument in arguments if argument.lstrip("+").partition("=")[0] in groups and "," not in argument]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(own), version_base="1.3"):
        try:
            cfg = compose("config", overrides=[*path, *chosen])
        except (HydraException, ConfigError):
            cfg = compose("config")
    return sorted(configuration.flatten(OmegaConf.to_container(cfg, resolve=False))), groups


def _folders(arguments: Sequence[str]) -> list[Path]:
    """Return the folders of the configuration: the package's own, and that of ``--config-dir``."""
    try:
        given = read_flags(arguments)[0].config_dir
    except ConfigError:
        given = None
    return [configuration.directory(), *([Path(given).absolute()] if given and Path(given).is_dir() else [])]


def _hint(meant: str | None, options: Sequence[str]) -> str:
    if meant:
        return f" (did you mean {meant}?)"
    return f" (choices: {', '.join(options)})" if options else ""
