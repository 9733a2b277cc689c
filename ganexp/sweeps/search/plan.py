"""What a search is to do, checked before anything of it is begun."""

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganexp.config import keys
from ganexp.config.build import build, check_value
from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt, Seed
from ganexp.sweeps.search import optuna
from ganexp.sweeps.search.samplers import check_options, try_sampler
from ganexp.sweeps.search.space import alternatives, overrides, read_space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

_GOALS = {"min": "minimize", "max": "maximize"}


@dataclass(frozen=True)
class Options:
    """The options of a search, as in ``conf/search/base.yaml``, which says what they mean."""

    space: dict[str, str]
    trials: PositiveInt
    workers: PositiveInt
    sampler: dict[str, Any] | None
    pruner: dict[str, Any] | None
    objectives: dict[str, Literal["minimize", "maximize"]] | None
    value: Literal["final", "best"]
    storage: str | None
    seed: Seed
    fixed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """A search that can be begun, or continued: nothing but plain types, so that it can be sent to any process.

    Attributes:
        folder: The sweep's folder, absolute.
        options: What was asked for; ``space`` is complete, ``objectives`` has at least one.
        overrides: What the command line of every trial has.
        shared: The values of the configuration by which trials can be compared, at a certain point of the space, by dotted key.
    """

    folder: Path
    options: Options
    overrides: tuple[str, ...]
    shared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def space(self) -> "dict[str, BaseDistribution]":
        """The distribution of each key."""
        return read_space(self.options.space)

    @property
    def objectives(self) -> dict[str, Literal["minimize", "maximize"]]:
        """The values that count, and whether to minimize or maximize them."""
        assert self.options.objectives
        return dict(self.options.objectives)

    @property
    def prunes(self) -> bool:
        """Whether a pruner watches the trials: where several values count there is no better and worse halfway."""
        return self.options.pruner is not None and len(self.objectives) == 1

    def sampler(self, seed: int) -> "BaseSampler":
        """Return a sampler; a seed of its own among its options counts more."""
        node = self.options.sampler or {"_target_": "optuna.samplers.TPESampler"}
        make = build({**node, "_partial_": True}, "search.sampler")
        given: dict[str, Any] = {"seed": seed} if "seed" in inspect.signature(make).parameters and "seed" not in node else {}
        return build(node, "search.sampler", **given)

    def pruner(self) -> "BasePruner":
        """Return the pruner; one that prunes nothing if there is none."""
        if not self.prunes:
            return optuna().pruners.NopPruner()
        assert self.options.pruner is not None
        return build(self.options.pruner, "search.pruner")


def plan(
    folder: Path,
    options: Mapping[str, Any],
    swept: Mapping[str, str],
    given: Sequence[str],
    compose: Callable[[list[str]], dict[str, Any]],
) -> Search:
    """Return a search that can be begun.

    Arguments:
        folder: The sweep's folder, which need not exist.
        options: The node ``search``.
        swept: What the command line sweeps, by key; it counts more than the space of the options.
        given: The other overrides of the command line that concern the runs; they take keys out of the space.
        compose: Returns a run's configuration from its overrides.

    Raises:
        ConfigError: An option has no such value, the space is impossible, or nothing measures what counts.
    """
    optuna()
    checked = _check_options(options)
    named = {override.lstrip("+~").partition("=")[0] for override in given}
    space = {key: text for key, text in checked.space.items() if key.lstrip("+") not in named} | dict(swept)
    if not space:
        hint = "sweep something, such as 'd_optimizer.lr=tag(log,interval(1e-5,1e-2))'"
        raise ConfigError("there is nothing to search", "search.space", hint=hint)
    if "seed" in space:
        hint = "repeat the best trial with other seeds when the search has ended"
        raise ConfigError("a search compares trials of one seed", "seed", hint=hint)
    fixed = [f"{key}={_written(value)}" for key, value in checked.fixed.items() if key not in named | space.keys()]
    always = [*fixed, *given]
    first = _check_space(read_space(space), always, compose)
    objectives = _check_objectives(checked.objectives, _ranked(first))
    settled = {key.name: getattr(checked, key.name) for key in fields(Options)} | {"space": space, "objectives": objectives}
    search = Search(folder.absolute(), Options(**settled), tuple(always), keys.settings(first))
    for kind, make in (("sampler", lambda: search.sampler(0)), ("pruner", search.pruner)):
        check_options(options[kind], f"search.{kind}")
        base = getattr(optuna(), f"{kind}s")
        if not isinstance(make(), getattr(base, f"Base{kind.capitalize()}")):
            raise ConfigError(f"should be one of optuna.{kind}s", f"search.{kind}._target_")
    try_sampler(lambda: search.sampler(0), checked.sampler, search.space, list(objectives.values()))
    return search


def _check_options(options: Mapping[str, Any]) -> Options:
    hints = typing.get_type_hints(Options, include_extras=True)
    for key in options.keys() - hints.keys():
        meant = near_miss(key, hints)
        hint = f"did you mean search.{meant}?" if meant else f"choices: {', '.join(hints)}"
        raise ConfigError("there is no such option", f"search.{key}", hint=hint)
    for key in hints.keys() & options.keys():
        check_value(options[key], hints[key], f"search.{key}")
    for kind in ("sampler", "pruner"):
        if options[kind] is not None and "_target_" not in options[kind]:
            raise ConfigError("should have a _target_", f"search.{kind}")
    return Options(**options)


def _check_space(
    space: "dict[str, BaseDistribution]", always: list[str], compose: Callable[[list[str]], dict[str, Any]]
) -> dict[str, Any]:
    """Compose a configuration of each end and choice of each dimension; return the first."""
    tried = alternatives(space)
    first = {key: values[0] for key, values in tried.items()}
    config = compose([*always, *overrides(first)])
    for key, values in tried.items():
        for value in values[1:]:
            compose([*always, *overrides(first | {key: value})])
    return config


def _ranked(config: dict[str, Any]) -> tuple[dict[str, str], str | None]:
    """Return the values by which models are ranked, with their goals, and the one by which the best state is chosen."""
    from ganexp.metrics import Reference
    from ganexp.metrics.measurement import fitting, goals  # imports torch

    evaluation = config["callbacks"].get("evaluation")
    if not evaluation:
        raise ConfigError("a search needs to know what its trials are worth", "callbacks.evaluation")
    reference = Reference(build(config["data"], "data"), build(config["extractor"], "extractor"))
    ranked = goals(fitting(build(config["metrics"], "metrics"), reference))
    return ranked, evaluation.get("best") or next(iter(ranked), None)


def _check_objectives(asked: Mapping[str, str] | None, ranked: tuple[dict[str, str], str | None]) -> dict[str, str]:
    there, best = ranked
    if not there:
        raise ConfigError(
            "a search needs metrics that rank its trials", "metrics", hint="such as metrics=points or metrics=images"
        )
    for value in (best, *(asked or {})):
        if value not in there:
            hint = f"choices: {', '.join(there)}"
            raise ConfigError(f"{value} is no value that ranks models", "search.objectives", hint=hint)
    if not asked:
        assert best is not None
        return {best: _GOALS[there[best]]}
    for value, direction in asked.items():
        if direction != _GOALS[there[value]]:
            raise ConfigError(
                f"{value} should be {_GOALS[there[value]]}d", "search.objectives", hint=f"write {value}: {_GOALS[there[value]]}"
            )
    return dict(asked)


def _written(value: Any) -> str:
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)
