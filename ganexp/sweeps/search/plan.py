"""What a search is to do, checked before anything of it is begun."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganexp.config import keys
from ganexp.config.build import build, check, mentioned, refusal
from ganexp.config.classes import check_class, find
from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt, Seed
from ganexp.sweeps.search import optuna
from ganexp.sweeps.search.address import check_address
from ganexp.sweeps.search.space import alternatives, overrides, read_space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

_GOALS = {"min": "minimize", "max": "maximize"}
_STARTUP = 10  # trials that samplers commonly leave to chance, unless an option of theirs says otherwise


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
        takes = inspect.signature(find(node.get("_target_"), "search.sampler._target_")).parameters
        given: dict[str, Any] = {"seed": seed} if "seed" in takes and "seed" not in node else {}
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
    search.pruner()
    _try_sampler(search)
    return search


def _check_options(options: Mapping[str, Any]) -> Options:
    check({"_target_": f"{__name__}.Options", **options}, "search")
    for kind in ("sampler", "pruner"):
        if options[kind] is not None:
            check_class(options[kind], f"search.{kind}")
    if isinstance(options["storage"], str):
        check_address(options["storage"])
    return Options(**options)


def _try_sampler(search: Search) -> None:
    """Let a sampler choose after trials from which it can learn: some refuse a space, or miss a package, only then.

    Raises:
        ConfigError: It fails.
    """
    package, options, directions = optuna(), search.options.sampler or {}, list(search.objectives.values())
    study = package.create_study(sampler=package.samplers.RandomSampler(0), directions=directions)
    startup = options.get("n_startup_trials")
    for number in range(startup if isinstance(startup, int) else _STARTUP):
        study.tell(study.ask(search.space), [float(number)] * len(directions))
    study.sampler = search.sampler(0)
    try:
        for _ in range(2):
            study.ask(search.space)
    except ImportError as error:
        name = error.name or str(error)
        raise ConfigError(f"needs {name}, which is missing", "search.sampler._target_", hint=f"pip install {name}") from error
    except Exception as error:  # a sampler may be anybody's
        raise refusal(error, *mentioned(error, "search.sampler", options)) from error


def _check_space(
    space: "dict[str, BaseDistribution]", always: list[str], compose: Callable[[list[str]], dict[str, Any]]
) -> dict[str, Any]:
    """Compose a configuration of each end and choice of each dimension; return the first."""
    tried = alternatives(space)
    first = {key: values[0] for key, values in tried.items()}
    others = [first | {key: value} for key, values in tried.items() for value in values[1:]]
    config, *_ = [compose([*always, *overrides(point)]) for point in (first, *others)]
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
        hint = "such as metrics=points or metrics=images"
        raise ConfigError("a search needs metrics that rank its trials", "metrics", hint=hint)
    for value in (best, *(asked or {})):
        if value not in there:
            hint = f"choices: {', '.join(there)}"
            raise ConfigError(f"{value} is no value that ranks models", "search.objectives", hint=hint)
    right = {value: _GOALS[there[value]] for value in asked or [str(best)]}
    for value, direction in right.items():
        if asked and asked[value] != direction:
            raise ConfigError(f"{value} should be {direction}d", "search.objectives", hint=f"write {value}: {direction}")
    return right


def _written(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
