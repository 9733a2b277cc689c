"""The configuration before anything heavy is imported: where the YAML lives, resolvers, and what a key was meant to be."""

import difflib
import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from ganexp.config.errors import ConfigError
from ganexp.config.source import register_source

_LONGEST_NAME = 180  # file systems take 255 bytes; TensorBoard's own files and temporary names need the rest
_ALIKE = 0.7  # gpuu is like gpu, los like loss, hinje like hinge; foo is like nothing

# Groups in which a run makes one choice, and what to do for more.
_SINGLE = {
    "model": None,
    "data": None,
    "loss": None,
    "penalty": "add others under names of their own: +penalty@regularizers.lecam=lecam",
    "augmentation": None,
}


def stamp() -> str:
    """Return a name that sorts by time and is unique: runs started in the same second never share a directory."""
    return f"{datetime.now():%Y-%m-%d_%H-%M-%S}-{secrets.token_hex(2)}"


def directory() -> Path:
    """Return the folder of the YAML files: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "conf", package.parent / "conf"):
        if (candidate / "config.yaml").is_file():
            return candidate
    raise FileNotFoundError(f"ganexp is installed without its configuration: no conf/config.yaml in or beside {package}")


def register_resolvers() -> None:
    """Make the resolvers of ``conf/`` known to OmegaConf; call before composing.

    ``${ganexp.stamp:}`` is the process's unique name; ``${ganexp.unless:a,b}`` is ``b``, or null once ``a`` is set: the
    default of one of two settings that exclude each other; ``${ganexp.unless:a,b,c}`` is ``c`` then. ``${ganexp.times:a,b}`` is
    their product.
    """
    # Cached in the configuration, so that the jobs of a sweep agree in whatever process they run.
    OmegaConf.register_new_resolver("ganexp.stamp", stamp, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("ganexp.unless", _unless, replace=True)
    OmegaConf.register_new_resolver("ganexp.times", _times, replace=True)


def _unless(other: Any, default: Any, instead: Any = None) -> Any:
    return default if other is None else instead


def _times(number: Any, factor: Any) -> Any:
    """Return a product; what is no positive number is left as it is, for its own refusal."""
    product = type(number) in (int, float) and number > 0 and type(factor) in (int, float)
    return number * factor if product else number


def plain(cfg: DictConfig, resolve: bool = True) -> dict[str, Any]:
    """Return nothing but dicts, lists and scalars, with every interpolation resolved by default.

    Raises:
        ConfigError: A value is missing or cannot be resolved.
    """
    try:
        content = OmegaConf.to_container(cfg, resolve=resolve, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise _unresolved(cfg) or error from error
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def complete(cfg: DictConfig, choices: dict[str, Any]) -> dict[str, Any]:
    """Return the resolved configuration of a run, with its name and the choice made in each group.

    Raises:
        ConfigError: A value cannot be resolved, there is not one model, loss and data set, or a name is no text.
    """
    content = plain(cfg)
    # Hydra's own groups, and those that a choice chooses in for itself, are not chosen for the run.
    made = {group: str(choice) for group, choice in choices.items() if not set("/@") & set(group)}
    for group, hint in _SINGLE.items():
        if made.get(group) == "":
            made[group] = _target(content, group).rpartition(".")[2]
        if not made.get(group):  # deleted, or given as a list
            raise ConfigError(f"a run has exactly one {group}", group, hint=hint)
    check_present(content, "name", "output_dir")
    for key in ("name", "output_dir"):
        if isinstance(content[key], bool | list | dict) or (key, content[key]) == ("output_dir", None):
            raise ConfigError("should be the name of a folder", key)
    if content["name"] in (".", ".."):
        raise ConfigError("is no name for a folder of its own", "name")
    named = [made["experiment"]] if made.get("experiment", "None") != "None" else [made[g] for g in ("model", "data", "loss")]
    name = "-".join(named) if content["name"] in (None, "") else str(content["name"])
    return own(content) | {"choices": made, "name": name, "output_dir": str(content["output_dir"])}


def choices_of(hydra_config: Any) -> dict[str, Any]:
    """Return the choice made in each group; no name where a command puts a class there: ``~loss +loss._target_=mine.Loss``."""
    typed: Any = OmegaConf.to_container(hydra_config.overrides.task, resolve=False)
    deleted = {str(text)[1:] for text in typed if str(text).startswith("~")}
    return {**hydra_config.runtime.choices, **dict.fromkeys(deleted & set(_SINGLE), "")}


def _target(content: dict[str, Any], group: str) -> str:
    node = content.get(group)
    return str(node.get("_target_", "")) if isinstance(node, dict) else ""


def flags(hydra_config: Any) -> list[str]:
    """Return what a command has besides overrides, from Hydra's part of its configuration: where it finds configurations."""
    sources = [source.path for source in hydra_config.runtime.config_sources if source.provider == "command-line"]
    found = [part for path in sources for part in ("--config-dir", str(path))]
    return found + [str(text) for text in hydra_config.overrides.hydra if str(text).startswith("hydra.searchpath=")]


def check_present(content: dict[str, Any], *keys: str) -> None:
    """Refuse a configuration in which an option or a section is gone.

    Raises:
        ConfigError: One is.
    """
    for key in keys:
        if key not in content:
            raise ConfigError("a run needs it", key, hint=f"leave ~{key} out")


def own(content: dict[str, Any]) -> dict[str, Any]:
    """Return what concerns a run itself, not the sweep or search of which it may be part."""
    return {key: value for key, value in content.items() if key not in ("sweep", "search", "launcher")}


def compose(*overrides: str) -> dict[str, Any]:
    """Compose a configuration as the command line does, for use from Python."""
    register_resolvers()
    register_source()
    with hydra.initialize_config_dir(str(directory()), version_base="1.3"):
        cfg = hydra.compose("config", overrides=list(overrides), return_hydra_config=True)
    choices = choices_of(cfg.hydra)
    OmegaConf.set_struct(cfg, False)
    cfg.pop("hydra")
    return complete(cfg, choices)


def compose_option(group: str, option: str | None, folder: Path | None = None) -> dict[str, Any]:
    """Return what an option of a group says by itself, with what it is composed of.

    Arguments:
        group: The group.
        option: One of its choices.
        folder: A folder of YAML files beside the shipped ones.

    Raises:
        ConfigError: There is no such option.
    """
    places = [directory(), *([folder.absolute()] if folder else [])]
    there = sorted(path.stem for place in places for path in (place / group).glob("*.yaml"))
    if option not in there:
        meant = near_miss(str(option), there)
        hint = f"did you mean {group}={meant}?" if meant else f"choices: {', '.join(there)}"
        raise ConfigError(f"no such {group}", group, hint=hint)
    with hydra.initialize_config_dir(str(directory()), version_base="1.3"):
        searched = f"hydra.searchpath=[{','.join(quote(f'file://{place}') for place in places[1:])}]"
        return dict(plain(hydra.compose(None, overrides=[f"+{group}={option}", searched])).get(group, {}))


def flatten(content: Any, prefix: str = "") -> dict[str, Any]:
    """Map dotted keys to leaves, lists included as leaves."""
    if not isinstance(content, dict) or not content:
        return {prefix: content} if prefix else {}
    return {k: v for key, value in content.items() for k, v in flatten(value, f"{prefix}.{key}" if prefix else key).items()}


def near_miss(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``word`` was probably meant to be: alike in its last part, then most alike as a whole."""
    last = word.rpartition(".")[2]
    close = [candidate for candidate in candidates if _alike(candidate.rpartition(".")[2], last) >= _ALIKE]
    return max(close, key=lambda candidate: _alike(candidate, word), default=None)


def assigned(overrides: Iterable[str]) -> dict[str, str]:
    """Map the keys that overrides set or add to what they are given, as text; the last one counts."""
    pairs = (override.lstrip("+").partition("=") for override in overrides if not override.startswith("~"))
    return {key: value for key, equals, value in pairs if equals}


def first_line(error: BaseException) -> str:
    """Return an exception's text without the lines that libraries add, or its name if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip()


def file_name(text: str) -> str:
    """Turn overrides into the name of a folder: readable, legal, and no longer than file systems allow."""
    name = re.sub(r"[^\w.,=+\-\[\]]|^\.", "_", text)  # a dot in front would hide it, or mean another folder
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{name.encode()[: _LONGEST_NAME - 9].decode(errors='ignore')}-{digest}"


def quote(text: str) -> str:
    """Return text as a quoted value of Hydra's grammar: a path may hold = and , which mean something to it."""
    # A backslash means itself unless a quote follows it.
    return "'" + re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text) + "'"


def _alike(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()


def _unresolved(cfg: DictConfig) -> ConfigError | None:
    """Return a refusal of the first value that cannot be resolved; errors themselves do not always know where they are."""
    for key in flatten(OmegaConf.to_container(cfg, resolve=False)):
        try:
            node = OmegaConf.select(cfg, key, throw_on_missing=True)
            if OmegaConf.is_config(node):
                OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
        except MissingMandatoryValue:
            return ConfigError("a value is required", key)
        except OmegaConfBaseException as error:
            message = first_line(error)
            return ConfigError(message[0].lower() + message[1:], key)
    return None
