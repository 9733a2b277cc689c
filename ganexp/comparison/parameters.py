"""In what runs differ: the few settings that say which runs are of one kind, apart from the seed.

Contract: two runs have the same values of all parameters only if all keys that distinguish runs, by :mod:`ganexp.config.keys`,
are equal. A setting that follows from others, as a penalty follows from the loss that brings it, is no parameter of its own.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ganexp.comparison.collect import Outcome
from ganexp.config.compose import assigned
from ganexp.config.keys import Purpose, distinguishes, given, purpose

Row = dict[str, Any]

_PLAYERS = ("d_optimizer", "g_optimizer")
_LONGEST = 40  # characters of a label that says all
_WIDE = 10  # largest over smallest value from which on an axis is logarithmic

# Places of a text in a column: what a run does not have, and what nobody knows of it.
_ABSENT, _UNKNOWN = "", "?"


@dataclass(frozen=True)
class Parameter:
    """A setting that is not the same in all runs.

    Attributes:
        key: A group, or a dotted key.
        label: The last parts of it, as many as tell it from the others.
        values: Its values, sorted.
        numeric: Whether all of them are numbers.
        log: Whether an axis of them is better logarithmic.
        choice: Whether it is a group, whose options have names that speak for themselves.
    """

    key: str
    label: str
    values: list[Any]
    numeric: bool
    log: bool
    choice: bool


def vary(outcomes: Sequence[Outcome], swept: Sequence[str] = ()) -> tuple[list[Parameter], list[Row]]:
    """Return what varies among runs, and the values of each run; None where a run has no such setting.

    What was swept comes first, then what the command lines set, then what else differs and does not follow from these.

    Arguments:
        outcomes: The runs. Those that have no configuration, because they were refused, are known by their overrides.
        swept: Keys that were swept, in their order.
    """
    every = [_settings(outcome) for outcome in outcomes]
    groups = {group for outcome in outcomes for group in _choices(outcome)}
    named = dict.fromkeys(key for outcome in outcomes for key in assigned(outcome.overrides))
    explicit = dict.fromkeys([*swept, *sorted(named, key=lambda key: key not in groups)])
    candidates = dict.fromkeys([*explicit, *(key for settings in every for key in settings)])
    chosen: dict[str, list[str]] = {}
    for key in (key for key in candidates if distinguishes(key) or (key in swept and purpose(key) is not Purpose.REPEATS)):
        column = [_text(settings, key, outcome.config is None) for settings, outcome in zip(every, outcomes, strict=True)]
        if _stands_out(column, list(chosen.values()), key in explicit):
            chosen[key] = column
    # A setting that is null has a value; None is for a run without the setting.
    whole = [{key: "null" if value is None else value for key, value in settings.items()} for settings in every]
    rows = [{key: settings.get(key) for key in chosen} for settings in whole]
    _complete(rows, outcomes)
    parameters = [_parameter(key, list(chosen), rows, key in groups) for key in chosen]
    return parameters, [{p.key: _shown(row[p.key], p.numeric) for p in parameters} for row in rows]


def labels(parameters: Sequence[Parameter], rows: Sequence[Row]) -> list[str]:
    """Return for each run what tells its kind from the others; what follows from the choice of an option is not said.

    Where all that is to be said would be long, as in a search, it is what suffices to tell kinds apart, and an ellipsis.
    """

    def label(some: Sequence[Parameter], row: Row) -> str:
        return " ".join(_named(p, row[p.key]) for p in some) or "all runs"

    choices = _sufficient([p for p in parameters if p.choice], rows)
    whole = choices + [p for p in parameters if not (p.choice or _follows(p, choices, rows))]
    needed = _sufficient(whole, rows)
    found = [label(whole, row) for row in rows]
    if needed == whole or max(map(len, found)) <= _LONGEST:
        return found
    return [f"{label(needed, row)} …" for row in rows]


def _sufficient(parameters: Sequence[Parameter], rows: Sequence[Row]) -> list[Parameter]:
    """Return the parameters that do not follow from those before them."""
    found: list[Parameter] = []
    for parameter in parameters:
        if not _follows(parameter, found, rows):
            found.append(parameter)
    return found


def _follows(parameter: Parameter, others: Sequence[Parameter], rows: Sequence[Row]) -> bool:
    """Return whether the values of others determine a parameter's in these runs."""
    pairs = {(tuple(row[p.key] for p in others), row[parameter.key]) for row in rows}
    return len(pairs) == len({values for values, _ in pairs})


def text(value: Any, digits: int = 6) -> str:
    """Write a parameter's value, real numbers with so many digits at most."""
    return "–" if value is None else f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _named(parameter: Parameter, value: Any) -> str:
    """Return a value as it stands in a label: with as few digits as tell it from the others."""
    count = len(parameter.values)
    enough = (digits for digits in range(3, 17) if len({text(other, digits) for other in parameter.values}) == count)
    written = text(value, next(enough, 17))
    return written if parameter.choice else f"{parameter.label}={written}"


def _settings(outcome: Outcome) -> Row:
    """Return all that a run was given, by group and by dotted key."""
    if outcome.config is None:
        return {key: _parsed(value) for key, value in assigned(outcome.overrides).items()}
    content = {key: value for key, value in outcome.config.items() if key not in ("choices", "flags")}
    return _choices(outcome) | given(content) | _rates(outcome)


def _choices(outcome: Outcome) -> Row:
    choices = outcome.config["choices"] if outcome.config else {}
    return {group: "none" if option == "None" else option for group, option in choices.items()}


def _rates(outcome: Outcome) -> Row:
    """Return the learning rates that a run was given, where it may have lowered those in its configuration by itself."""
    config, overrides = outcome.config or {}, assigned(outcome.overrides)
    health = (config.get("callbacks") or {}).get("health") or {}
    shared = (config.get("optimizer") or {}).get("lr")
    if health.get("action") != "roll_back" or shared is None:
        return {}
    return {(key := f"{player}.lr"): _parsed(overrides[key]) if key in overrides else shared for player in _PLAYERS}


def _parsed(value: str) -> Any:
    """Return the value of an override as it would stand in a configuration."""
    try:
        return OmegaConf.to_container(OmegaConf.from_dotlist([f"value={value}"]))["value"]  # type: ignore[index, call-overload]
    except (OmegaConfBaseException, YAMLError, ValueError):
        return value


def _text(settings: Row, key: str, incomplete: bool) -> str:
    if key not in settings:
        return _UNKNOWN if incomplete else _ABSENT
    value = settings[key]
    # 1 and 1.0 are the same setting.
    return json.dumps(float(value) if isinstance(value, int) and not isinstance(value, bool) else value, default=str)


def _stands_out(column: list[str], chosen: list[list[str]], explicit: bool) -> bool:
    """Return whether a setting says something that those which are chosen do not say.

    One that was set by hand does so also where it follows from them, unless it is the same as one of them: of two models that
    were given rates of their own, the reader wants to know.
    """
    if explicit and len(set(column) - {_ABSENT, _UNKNOWN}) > 1 and column not in chosen:
        return True
    seen: dict[tuple[str, ...], str] = {}
    for index, value in enumerate(column):
        kind = tuple(other[index] for other in chosen)
        if value != _UNKNOWN and _UNKNOWN not in kind and seen.setdefault(kind, value) != value:
            return True
    return False


def _complete(rows: list[Row], outcomes: Sequence[Outcome]) -> None:
    """Give runs without a configuration the values that they do not name, where one kind of runs alone can be meant."""
    known = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome.config is not None]
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.config is None:
            named = {key: value for key, value in row.items() if value is not None}
            fitting = [other for other in known if all(other[key] == value for key, value in named.items())]
            if fitting and all(other == fitting[0] for other in fitting):
                row.update(fitting[0])


def _parameter(key: str, keys: Sequence[str], rows: Sequence[Row], choice: bool) -> Parameter:
    given = [row[key] for row in rows if row[key] is not None]
    numeric = bool(given) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in given)
    values = sorted({_shown(value, numeric) for value in given}, key=_order)
    log = numeric and values[0] > 0 and values[-1] >= _WIDE * values[0] and math.isfinite(values[-1])
    return Parameter(key, _short(key, keys), values, numeric, log, choice)


def _short(key: str, keys: Sequence[str]) -> str:
    """Return the last parts of a key, as many as no other key ends in."""
    parts = key.split(".")
    for count in range(1, len(parts)):
        end = ".".join(parts[-count:])
        if not any(other != key and f".{other}".endswith(f".{end}") for other in keys):
            return end
    return key


def _shown(value: Any, numeric: bool) -> Any:
    """Return a value as it is shown: numbers as such where all are, else text."""
    if value is None or numeric or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 1 and 1.0 are the same setting
    return json.dumps(value, separators=(",", ":"), default=str)


def _order(value: Any) -> tuple[bool, float, str]:
    """Return what sorts numbers by their size, also where they are text, and puts other text behind them."""
    try:
        return False, float(value), ""
    except ValueError:
        return True, 0.0, value
