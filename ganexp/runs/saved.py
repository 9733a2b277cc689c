"""The configuration in a run directory, which anybody may have written: read and resolved within bounds.

Contract: reading takes time and memory in proportion to the file, which is small; nothing is built, and nothing is asked of
the machine. What a configuration refers to lies in itself: only the resolvers of this package are its own, and any other one,
such as ``oc.env``, which gives variables of the environment away, is refused unless the run is trusted.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader
from omegaconf.errors import OmegaConfBaseException

from ganexp.config.classes import foreign_modules
from ganexp.config.compose import first_line, plain
from ganexp.config.errors import ConfigError
from ganexp.runs.files import read_inside

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

CONFIG = Path(".hydra", "config.yaml")
FLAGS = "flags"
"""The key with the flags of the command that made the run."""

_BYTES = 1_000_000
_DEEPEST = 40
_LONGEST = 10_000  # characters of a value
_LARGEST = 20_000  # values after everything is resolved; a run has some hundreds
_REFERENCE = "${"
_FOLLOWED = re.compile(r"\$\{\s*([^\s:{}$]*)\s*(.?)", re.DOTALL)  # what is referred to, and whether it is called
_SELECTED = re.compile(
    r"\$\{\s*oc\.select\s*:\s*([\w.]+)\s*(?:,[^{}$]*)?\}"
)  # a place that may be missing, with what counts then
_OWN = ("ganexp.stamp", "ganexp.times", "ganexp.unless")
_HINT = "if you trust who made the run, add trust=true"
_NEVER = ("hydra", "defaults")  # sections by which Hydra would be told what to load and to call


class _Dumper(yaml.SafeDumper):
    """Writes equal lists one by one, as aliases are not read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


Place = tuple[str, ...]


class _Loader(_Base):
    """Reads values as OmegaConf does, which takes 1e-3 for a number and no text for a date."""


_Loader.yaml_implicit_resolvers = get_yaml_loader().yaml_implicit_resolvers


def read(folder: Path) -> dict[str, Any]:
    """Return the configuration in a run directory, not resolved, in plain types.

    Raises:
        ConfigError: There is none, it is damaged, or it is out of bounds.
    """
    try:
        content = parse(folder, CONFIG)
        if not isinstance(content, dict) or not isinstance(content.get("choices"), dict):
            raise ValueError("it has no choices")
        _check_keys(content)
        if strange := [name for name in _NEVER if name in content]:
            raise ValueError(f"it has a section {strange[0]}")
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise ConfigError(f"{folder / CONFIG} is damaged: {reason}", "resume", hint="start a new run") from error
    return content


def load(folder: Path, trusted: bool = True) -> dict[str, Any]:
    """Return the resolved configuration in a run directory. The resolvers of ``conf/`` have to be registered.

    Arguments:
        folder: The run directory.
        trusted: Whether it may refer to anything but itself.

    Raises:
        ConfigError: There is none, it is damaged or out of bounds, or it refers to something else.
    """
    content = read(folder)
    if trusted:
        return resolve(content)
    check_foreign(folder, content)
    resolved = resolve(content)
    check_resolved(resolved)
    return resolved


def parse(folder: Path, name: Path) -> Any:
    """Return what a YAML file in a folder says.

    Raises:
        OSError: It cannot be read, is a link or no file, or is too long.
        ValueError: It is out of bounds.
        yaml.YAMLError: It is no YAML.
    """
    text = read_inside(folder, name, _BYTES)
    _check_events(text)
    return yaml.load(text, _Loader)


def dump(content: dict[str, Any]) -> str:
    """Return a configuration as YAML that :func:`read` reads."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False)


def check_foreign(folder: Path, content: dict[str, Any]) -> None:
    """Refuse a run directory that leads out of itself: by links, or by references in its configuration.

    Raises:
        ConfigError: It does; it says where, and how to trust it.
    """
    if links := sorted(path.name for path in folder.iterdir() if path.is_symlink()):
        message = f"{folder / links[0]} is a link, and what is written there would be elsewhere"
        raise ConfigError(message, "resume", hint=_HINT)
    check_references(content)


def check_references(content: dict[str, Any]) -> None:
    """Refuse references to anything but the configuration itself.

    Raises:
        ConfigError: There is one; it says which, and how to trust it.
    """
    for place, text in _texts(content):
        if _is_foreign(text):
            message = f"the saved run asks for {text}, which is not part of it"
            raise ConfigError(message, ".".join(place), hint=_HINT)


def check_resolved(content: dict[str, Any]) -> None:
    """Refuse values in sections that came out as references: what builds the sections would resolve them once more.

    Raises:
        ConfigError: There is one.
    """
    for place, text in _texts({key: value for key, value in content.items() if isinstance(value, dict | list)}):
        message = f"the saved run has a value that would be read as a reference, {text}"
        raise ConfigError(message, ".".join(place), hint=_HINT)


def mute(content: Any) -> Any:
    """Return the same with references to anything but the configuration itself as plain text."""
    if isinstance(content, dict):
        return {key: mute(value) for key, value in content.items()}
    if isinstance(content, list):
        return [mute(value) for value in content]
    return content.replace("$", "") if isinstance(content, str) and _is_foreign(content) else content


def check_size(content: dict[str, Any]) -> None:
    """Refuse a configuration that would become too large when every reference is followed.

    Raises:
        ConfigError: It would, or refers to itself.
    """
    _Size(content).of(())


def flags(content: dict[str, Any]) -> list[str]:
    """Return what the command of a run had before its overrides, such as ``--config-dir``."""
    kept = content.get(FLAGS)
    return [str(flag) for flag in kept] if isinstance(kept, list) else []


def needs_trust(content: dict[str, Any]) -> str | None:
    """Return what the option ``trust`` has to say for a run to be continued by its configuration; None: nothing."""
    if any(_is_foreign(text) for _, text in _texts(content)):
        return "true"
    modules = foreign_modules(content)
    return f"[{','.join(modules)}]" if modules else None


def resolve(content: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with every reference followed. The resolvers of ``conf/`` have to be registered.

    It is fast, as OmegaConf sees only the sections that refer to others, and those.

    Raises:
        ConfigError: Something cannot be resolved, or becomes too large.
    """
    check_size(content)
    # As text, it may name more than it refers to, which does no harm.
    texts = {key: text for key, value in content.items() if _REFERENCE in (text := str(value))}
    named = {word for text in texts.values() for word in re.findall(r"\w+", text)}
    try:
        return content | plain(OmegaConf.create({key: content[key] for key in content if key in texts or key in named}))
    except (OmegaConfBaseException, ValueError, TypeError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"the saved configuration is damaged: {first_line(error)}", "resume") from error


def _check_events(text: bytes) -> None:
    """Refuse what takes more time or memory than its length: aliases, depth, endless values."""
    depth = 0
    for event in yaml.parse(text, _Base):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"it has an alias, *{event.anchor}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and len(event.value) > _LONGEST:
            raise ValueError("it has a value that is too long")
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")


def _check_keys(content: Any) -> None:
    for value in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        _check_keys(value)
    if isinstance(content, dict) and not all(isinstance(key, str) for key in content):
        raise ValueError("it has a key that is no text")


def _texts(content: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Return every text that refers to something, with its place."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _texts(value, (*place, str(key)))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from _texts(value, (*place, str(index)))
    elif isinstance(content, str) and _REFERENCE in content:
        yield place, content


def _is_foreign(text: str) -> bool:
    """Return whether a text refers to anything else than a place in the configuration, as far as that can be seen at once."""
    return any(end != "}" and (end, name) not in ((":", own) for own in _OWN) for name, end in _followed(text))


def _followed(text: str) -> list[tuple[str, str]]:
    """Return what a text refers to, and whether that is called; ``oc.select`` of a place is a reference like any other."""
    return _FOLLOWED.findall(_SELECTED.sub(r"${\1}", text))


class _Size:
    """How many values a configuration has when every reference is followed, without following them."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        self._known: dict[Place, int] = {}
        self._open: list[Place] = []

    def of(self, place: Place) -> int:
        """Return the size of what is at a place.

        Raises:
            ConfigError: It is too large, or refers to itself.
        """
        if place in self._known:
            return self._known[place]
        if place in self._open or len(self._open) > _DEEPEST * 4:
            raise ConfigError("the saved configuration refers to itself", ".".join(place))
        self._open.append(place)
        value, size = self._at(place), 1
        if isinstance(value, dict | list):
            keys = value if isinstance(value, dict) else range(len(value))
            size += sum(self.of((*place, str(key))) for key in keys)
        elif isinstance(value, str):
            size += len(value) // 100
            if _REFERENCE in value:
                size += sum(self.of(_target(name, place)) for name, end in _followed(value) if end == "}")
        if size > _LARGEST:
            raise ConfigError("the saved configuration is too large", ".".join(place))
        self._open.pop()
        self._known[place] = size
        return size

    def _at(self, place: Place) -> Any:
        found: Any = self._content
        for part in place:
            try:
                found = found[int(part)] if isinstance(found, list) else found[part] if isinstance(found, dict) else None
            except (LookupError, ValueError):
                return None
        return found


def _target(name: str, place: Place) -> Place:
    """Return the place that a reference means; dots in front count from where it stands."""
    dots = len(name) - len(name.lstrip("."))
    above = place[: max(0, len(place) - dots)] if dots else ()
    return (*above, *re.findall(r"[^.\[\]]+", name))
