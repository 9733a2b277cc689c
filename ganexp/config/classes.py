"""The classes that a configuration may name.

Contract: what a section builds is an object of the section's base class, whoever wrote the configuration. Of a configuration
that is not the user's own, such as that of a saved run, it is besides one of this package, of ``torch.optim``, or a callback or
logger of Lightning; anything else has to be trusted by name. That is decided by the names alone, before anything is imported.
"""

import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ganexp.config.compose import first_line, near_miss
from ganexp.config.errors import ConfigError
from ganexp.config.paths import own_folder

BASES = {
    "model": "ganexp.models.GAN",
    "data": "ganexp.data.Data",
    "network": "ganexp.networks.Networks",
    "loss": "ganexp.models.losses.Loss",
    "penalty": "ganexp.models.regularizers.Regularizer",
    "regularizers": "ganexp.models.regularizers.Regularizer",
    "augmentation": "ganexp.models.augmentations.Augmentation",
    "schedule": "ganexp.models.turns.Turns",
    "lr_schedule": "ganexp.models.schedules.Schedule",
    "d_optimizer": "torch.optim.Optimizer",
    "g_optimizer": "torch.optim.Optimizer",
    "metrics": "ganexp.metrics.Metric",
    "extractor": "ganexp.metrics.extractors.ForData",
    "callbacks": "lightning.pytorch.Callback",
    "logger": "lightning.pytorch.loggers.Logger",
    "launcher": "ganexp.sweeps.launchers.Launcher",
    "search.sampler": "optuna.samplers.BaseSampler",
    "search.pruner": "optuna.pruners.BasePruner",
}
"""The base class of what each section builds."""

MANY = {"penalty", "regularizers", "augmentation", "metrics", "callbacks", "logger"}
"""Sections that may also hold any number of nodes by name, or none."""

PARTIAL = {"d_optimizer", "g_optimizer"}
"""Sections that build a function, which makes the object later."""

_PARTS = (
    "torch.nn.Module", "ganexp.networks.Networks", "ganexp.networks.initialisation.Initialisation",
    "ganexp.models.schedules.Schedule", "ganexp.metrics.extractors.ForData",
)  # fmt: skip
"""The base classes of what stands inside the nodes of this package."""

_KNOWN = ("ganexp.", "torch.optim.", "lightning.pytorch.callbacks.", "lightning.pytorch.loggers.")
_HOMES = (*(f"ganexp.{room}." for room in ("data", "networks", "models", "metrics", "training")), *_KNOWN[1:])
_TARGET = "_target_"
_NAMED = re.compile(r"^\s*_target_:\s*[\"']?(\w[\w.]*\.\w+)", re.MULTILINE)

TRUST = "GANEXP_TRUST"
"""Environment variable with what a run trusts, for its other processes."""

_DEEPEST = 50


@dataclass(frozen=True)
class Trust:
    """What a user lets a configuration build besides what is known.

    Attributes:
        everything: Whether that is anything at all.
        names: Modules, with all that is in them, and dotted names.
    """

    everything: bool = False
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, option: bool | str | Iterable[str]) -> "Trust":
        """Return what the option ``trust`` says."""
        if isinstance(option, bool):
            return cls(everything=option)
        return cls(names=(option,) if isinstance(option, str) else tuple(option))

    def and_from(self, environment: Mapping[str, str]) -> "Trust":
        """Return the same with what the process that started this one trusts."""
        everything, names = json.loads(environment.get(TRUST, "[false, []]"))
        return Trust(self.everything or everything, (*self.names, *names))

    @property
    def text(self) -> str:
        """It as text, for a variable of the environment."""
        return json.dumps([self.everything, self.names])

    def covers(self, target: str) -> bool:
        """Return whether it covers a dotted name."""
        return self.everything or any(target == name or target.startswith(f"{name}.") for name in self.names)


def trusted(option: bool | str | Iterable[str], folder: str | None) -> bool | tuple[str, ...]:
    """Return what a program trusts of saved runs: what an option says, and the modules that YAML files of one's own name.

    Arguments:
        option: The option ``trust``.
        folder: The folder that ``--config-dir`` names.

    Raises:
        ConfigError: There is no such folder.
    """
    trust = Trust.of(option)
    texts = [path.read_text("utf-8", "replace") for path in own_folder(folder).rglob("*.yaml")] if folder else []
    modules = {name.rpartition(".")[0] for text in texts for name in _NAMED.findall(text)}
    return trust.everything or (*trust.names, *sorted(modules))


def section(path: str) -> str | None:
    """Return the section of the table to which the node at a path belongs; None: to none."""
    above = path.rpartition(".")[0]
    return path if path in BASES else above if above in MANY else None


def find(target: Any, path: str) -> Any:
    """Return the class or function of a dotted name, which comes from a configuration: anybody may have added one.

    Raises:
        ConfigError: It cannot be imported, or is neither.
    """
    try:
        factory = pkgutil.resolve_name(str(target))
    except Exception as error:  # whatever an import raises
        module, _, name = str(target).rpartition(".")
        meant = near_miss(name, dir(sys.modules[module])) if module in sys.modules else None
        hint = f"did you mean {module}.{meant}?" if meant else _elsewhere(error, module)
        text = re.sub(r"^[A-Z](?=[a-z])", lambda letter: letter[0].lower(), first_line(error))
        raise ConfigError(f"cannot be imported: {text}", path, hint=hint) from error
    if not callable(factory):
        raise ConfigError("is neither a class nor a function", path)
    return factory


def check_class(node: Mapping[str, Any], path: str) -> None:
    """Refuse a node whose class, or whose kind, is not that of its section.

    Raises:
        ConfigError: It names a class of another kind, none at all, or a function is built where an object is needed.
    """
    if (name := section(path)) is None:
        return
    base = BASES[name]
    if _TARGET not in node:
        if path not in MANY:
            raise ConfigError(f"should name a class, a {_last(base)}", f"{path}.{_TARGET}")
        return
    factory = find(node[_TARGET], f"{path}.{_TARGET}")
    if inspect.isclass(factory) and not issubclass(factory, pkgutil.resolve_name(base)):
        raise ConfigError(f"{factory.__name__} is no {_last(base)}", f"{path}.{_TARGET}", hint=f"name a subclass of {base}")
    if bool(node.get("_partial_", False)) != (name in PARTIAL):
        raise ConfigError(f"should be {str(name in PARTIAL).lower()}", f"{path}._partial_")


def check_object(made: object, path: str) -> None:
    """Refuse what a function made where its section needs something else.

    Raises:
        ConfigError: It is of another class.
    """
    name = section(path)
    if name is not None and name not in PARTIAL and not isinstance(made, pkgutil.resolve_name(BASES[name])):
        raise ConfigError(f"makes a {type(made).__name__}, which is no {_last(BASES[name])}", f"{path}.{_TARGET}")


def admit(sections: Mapping[str, Any], trust: Trust) -> None:
    """Refuse sections of a configuration that is not the user's own if they name anything but what is known or trusted.

    All names are looked at before the first of them is imported.

    Raises:
        ConfigError: A name is not known, or is of no class that may stand there; it says which, and how to trust it.
    """
    if trust.everything:
        return
    nodes = [found for name, content in sections.items() for found in _nodes(content, name)]
    foreign = [(path, target, is_part) for path, target, is_part in nodes if not trust.covers(target)]
    for path, target, _ in foreign:
        if not target.startswith(_KNOWN):
            raise _untrusted(path, target)
    for path, target, is_part in foreign:
        factory, name = find(target, f"{path}.{_TARGET}"), None if is_part else section(path)
        bases = (BASES[name],) if name else _PARTS
        known = inspect.isclass(factory) and f"{factory.__module__}.".startswith(_HOMES)
        if not known or not issubclass(factory, tuple(pkgutil.resolve_name(base) for base in bases)):
            raise _untrusted(path, target)


def foreign_modules(sections: Mapping[str, Any]) -> list[str]:
    """Return the modules that have to be trusted for sections of a configuration to be built."""
    nodes = [target for name, content in sections.items() for _, target, _ in _nodes(content, name)]
    return sorted({target.partition(".")[0] for target in nodes if not target.startswith(_KNOWN)})


def _untrusted(path: str, target: str) -> ConfigError:
    message = f"the saved run asks to build {target}, which is none of the classes of ganexp that may stand here"
    hint = f"if you trust who made the run, add trust=[{target.partition('.')[0]}]"
    return ConfigError(message, f"{path}.{_TARGET}", hint=hint)


def _nodes(content: Any, path: str, depth: int = 0, is_part: bool = False) -> Iterator[tuple[str, str, bool]]:
    """Return every class that is named from a place down, as its place, its name, and whether it is inside another node."""
    if depth > _DEEPEST:
        raise ConfigError("is nested too deeply", path)
    if isinstance(content, Mapping):
        if _TARGET in content:
            yield path, str(content[_TARGET]), is_part
            is_part = True
        for key, value in content.items():
            yield from _nodes(value, f"{path}.{key}", depth + 1, is_part)
    elif isinstance(content, list | tuple):
        for index, value in enumerate(content):
            yield from _nodes(value, f"{path}[{index}]", depth + 1, is_part)


def _elsewhere(error: BaseException, module: str) -> str | None:
    """Say where a module is looked for, if it is not there at all."""
    missing = isinstance(error, ModuleNotFoundError) and module and str(error.name) == module.partition(".")[0]
    return f"start the command in the folder of {error.name}.py, or add that folder to PYTHONPATH" if missing else None  # type: ignore[attr-defined]


def _last(name: str) -> str:
    return name.rpartition(".")[2]
