"""What the user is told when a command line cannot run: one message that names the key and what it was meant to be."""

import re
from typing import Any

from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from ganexp import config as configuration
from ganexp.errors import ConfigError

_PREFIX = "ganexp: "


class Told(RuntimeError):
    """A run of a sweep was refused or ended badly, and the user has been told; the other runs go on."""


def explain_refusal(error: BaseException, cfg: DictConfig) -> str | None:
    """Return the message for an error of a composed configuration, or ``None`` if it is no refusal but a failure."""
    if isinstance(error, ConfigError):
        where = " ".join(_with_value(key, cfg) for key in error.keys)
        return f"{_PREFIX}{where}{': ' if where else ''}{error}"
    if isinstance(error, MissingMandatoryValue):
        return f"{_PREFIX}{getattr(error, 'full_key', '')}: a value is needed here"
    if isinstance(error, OmegaConfBaseException):
        return f"{_PREFIX}{getattr(error, 'full_key', '')}: {_first_line(error)}"
    return None


def explain(error: BaseException, arguments: list[str]) -> str | None:
    """Return the message for an error of the command line itself; ``None`` for a failure."""
    if isinstance(error, ConfigError):
        return f"{_PREFIX}{' '.join(error.keys)}{': ' if error.keys else ''}{error}"
    if isinstance(error, MissingConfigException):
        return _unknown_choice(str(error))
    if isinstance(error, OverrideParseException):
        return f"{_PREFIX}{error.override!r} is not of the form key=value: {_first_line(error)}"
    if isinstance(error, ConfigCompositionException):
        return _unknown_key(error, arguments)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _PREFIX + _first_line(error)
    return None


def _with_value(key: str, cfg: DictConfig) -> str:
    """Return ``key=value`` as it could stand on the command line; a group's value is its choice."""
    choices = _choices(cfg)
    if key in choices:
        return f"{key}={choices[key]}"
    try:
        value = OmegaConf.select(cfg, key)
    except OmegaConfBaseException:
        value = None
    if value is None or OmegaConf.is_dict(value):
        return key
    return f"{key}={OmegaConf.to_container(value) if OmegaConf.is_config(value) else value}".replace("=None", "=null")


def _choices(cfg: DictConfig) -> dict[str, Any]:
    from hydra.core.hydra_config import HydraConfig

    if "choices" in cfg:  # a resumed run brings its own
        return dict(cfg.choices)
    return dict(HydraConfig.get().runtime.choices) if HydraConfig.initialized() else {}


def _unknown_choice(message: str) -> str:
    found = re.search(r"Could not find '([^']+)'", message)
    if found is None:
        return _PREFIX + message.strip().splitlines()[0]
    group, _, choice = found[1].rpartition("/")
    options = [line.strip() for line in message.partition("Available options")[2].splitlines()[1:] if line.strip()]
    if not options:
        return f"{_PREFIX}there is no config {found[1]!r}"
    meant = configuration.near_miss(choice, options)
    return f"{_PREFIX}{group}={choice}: there is no such {group}" + _hint(meant and f"{group}={meant}", options)


def _unknown_key(error: ConfigCompositionException, arguments: list[str]) -> str:
    message = str(error)
    found = re.search(r"Could not (?:override|append) '([^']+)'", message)
    if found is None:
        return f"{_PREFIX}{_first_line(error)}"
    key = found[1].partition("=")[0]
    cause = error.__cause__
    if cause is not None and "not in struct" not in str(cause) and isinstance(cause, OmegaConfBaseException):
        return f"{_PREFIX}{key}: {_first_line(cause)}"
    keys, groups = _known(arguments)
    meant = configuration.near_miss(key, [*groups, *keys])
    parent = key.rpartition(".")[0]
    siblings = [known for known in keys if known.rpartition(".")[0] == parent] if parent else groups
    return f"{_PREFIX}{key}: there is no such option" + _hint(meant, siblings)


def _known(arguments: list[str]) -> tuple[list[str], list[str]]:
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


def _hint(meant: str | None, options: list[str]) -> str:
    if meant:
        return f" (did you mean {meant}?)"
    return f" (there is: {', '.join(options)})" if options else ""


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
