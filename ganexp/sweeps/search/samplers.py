"""The sampler and the pruner of a search: whether they can do what they are there for, found out before anything is begun."""

import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganexp.config.build import mentioned, refusal
from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.sweeps.search import optuna

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

_STARTUP = 10  # trials that samplers commonly leave to chance, unless an option of theirs says otherwise


def check_options(node: Mapping[str, Any] | None, path: str) -> None:
    """Refuse all options at once that a class does not have: where only ``_target_`` was set, the default's are still there.

    Arguments:
        node: The sampler's or pruner's node.
        path: Where it stands.

    Raises:
        ConfigError: There are such options.
    """
    target = str((node or {}).get("_target_"))
    try:
        known = inspect.signature(pkgutil.resolve_name(target)).parameters
    except Exception:  # there is none, or it cannot be imported: who builds it says so
        return
    foreign = [key for key in node or {} if key not in known and not key.startswith("_")]
    if not foreign or any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        return
    meant = near_miss(foreign[0], known)
    out = f"leave out what it does not have: {' '.join(f'~{path}.{key}' for key in foreign)}"
    hint = f"did you mean {path}.{meant}? or {out}" if meant else out
    raise ConfigError(f"{target.rpartition('.')[2]} has no option {', '.join(foreign)}", f"{path}.{foreign[0]}", hint=hint)


def try_sampler(
    make: "Callable[[], BaseSampler]",
    node: Mapping[str, Any] | None,
    space: "dict[str, BaseDistribution]",
    directions: Sequence[str],
) -> None:
    """Let a sampler choose after trials from which it can learn: some refuse a space, or miss a package, only then.

    Arguments:
        make: Returns the sampler.
        node: Its node.
        space: What is searched.
        directions: Whether each objective is to be minimized or maximized.

    Raises:
        ConfigError: It fails.
    """
    package, options = optuna(), dict(node or {})
    study = package.create_study(sampler=package.samplers.RandomSampler(0), directions=list(directions))
    startup = options.get("n_startup_trials")
    for number in range(startup if isinstance(startup, int) else _STARTUP):
        study.tell(study.ask(space), [float(number)] * len(directions))
    study.sampler = make()
    try:
        for _ in range(2):
            study.ask(space)
    except ImportError as error:
        name = error.name or str(error)
        raise ConfigError(f"needs {name}, which is missing", "search.sampler._target_", hint=f"pip install {name}") from error
    except Exception as error:  # a sampler may be anybody's
        raise refusal(error, *mentioned(error, "search.sampler", options)) from error
