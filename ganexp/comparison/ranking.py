"""Kinds of runs, ranked: what several seeds of each amount to, a table for each protocol.

Contract: kinds are ranked by the mean over their runs of one value. A kind of which a run diverged, failed, or was ended before
its budget stands behind all kinds of which none was, however good its numbers are; what was measured otherwise stands apart.
Runs of a kind that have the same seed count as one, by their mean: they say nothing more about chance. A run that was
interrupted does not count until it is continued: its numbers are of a smaller budget. Nothing heavy is imported for runs
whose protocols are equal.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ganexp.comparison.collect import Outcome
from ganexp.comparison.parameters import Row
from ganexp.comparison.statistics import by_seed, interval
from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.runs.protocol import differences, digest, headings
from ganexp.runs.records import Protocol
from ganexp.runs.signals import is_headline

_BROKEN = ("diverged", "failed")


def tables(
    outcomes: Sequence[Outcome],
    kinds: Sequence[str],
    rows: Sequence[Row],
    by: str | None = None,
    on: str = "final",
    searched: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return a table for each protocol, as the page takes them; runs are named by their places in the sequences.

    Arguments:
        outcomes: The runs.
        kinds: The name of the kind of each.
        rows: The parameters of each.
        by: The value that ranks; None: that by which the best state was chosen.
        on: Whether the final state counts or the best one.
        searched: What a search of these runs was for.

    Raises:
        ConfigError: No run has such a value, or it ranks nothing.
    """
    better = goals(outcomes)
    if by is not None and by not in better:
        choices = f"choices: {', '.join(better)}" if better else "nothing was measured by which runs are ranked"
        hint = f"did you mean {meant}?" if (meant := near_miss(by, better)) else choices
        raise ConfigError("no such value ranks runs", "by", hint=hint)
    parts = partition(outcomes, by or default(outcomes, better, searched))
    first = [protocol_of(outcomes[part[0]]) for part in parts]
    heads = iter(headings([protocol for protocol in first if protocol]))
    left = sorted({*range(len(outcomes))}.difference(*parts))
    found = []
    for part, protocol in zip(parts, first, strict=True):
        numbers = [outcomes[index] for index in part]
        names = measured(numbers)
        value = by if by in names else default(numbers, [name for name in better if name in names], searched)
        goal = better[value] if value else None
        groups = [
            _group(kind, [outcomes[i] for i in some], some, rows[some[0]], names)
            for kind, some in _members(part, left, kinds).items()
        ]
        # Only models with classes have a value for them.
        real = [item for outcome in numbers if outcome.summary for item in outcome.summary.real.items() if is_headline(item[0])]
        differs = "" if len(parts) == 1 else next(heads) if protocol else "nothing measured"
        found.append(
            {"protocol": describe(protocol), "differs": differs, "by": value, "goal": goal, "real": dict(real)}
            | {"groups": _ranked(groups, value, goal, on)}
        )
    return found


def goals(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the values by which runs are ranked, in the order of the metrics, and whether lower or higher is better."""
    found = {name: goal for outcome in outcomes if outcome.summary for name, goal in outcome.summary.goals.items()}
    return {name: found[name] for name in measured(outcomes) if name in found}


def default(outcomes: Sequence[Outcome], goals: Collection[str], searched: Sequence[str] = ()) -> str | None:
    """Return the value that ranks runs unless another is asked for; None where nothing does.

    What a search was for; else that by which most runs chose their best state; else the first.
    """
    chosen = Counter(outcome.summary.best.by for outcome in outcomes if outcome.summary and outcome.summary.best)
    names = [*searched, *(name for name, _ in chosen.most_common()), *goals]
    return next((name for name in names if name in goals), None)


def partition(outcomes: Sequence[Outcome], by: str | None) -> list[list[int]]:
    """Return the places of the runs that have numbers, those together whose values of ``by`` may be compared.

    What was interrupted before its first measurement has none yet.
    """
    found: list[list[int]] = []
    tables: dict[str, list[int]] = {}  # by protocol; several may have the same
    for index, outcome in enumerate(outcomes):
        protocol = protocol_of(outcome)
        key = digest(protocol) if protocol else ""
        if key not in tables and (protocol or outcome.is_ended):
            first = ((table, protocol_of(outcomes[table[0]])) for table in found)
            same = (table for table, other in first if protocol and other and not differences(other, protocol, by))
            tables[key] = next(same, [])
            found += [] if tables[key] else [tables[key]]
        if protocol or outcome.is_ended:
            tables[key].append(index)
    return found


def protocol_of(outcome: Outcome) -> Protocol | None:
    """Return how a run was measured."""
    return outcome.summary.measured if outcome.summary else None


def describe(protocol: Protocol | None) -> str:
    """Return in words how numbers were measured."""
    if not protocol:
        return "nothing was measured but the losses"
    data, extractor, kind = protocol["data"], protocol.get("extractor"), "averaged " if protocol["ema"] else ""
    what = f"{protocol['samples']:,} samples of the {kind}generator, seed {protocol['seed']}"
    against = f"against {data['name']} ({data['split']}, {data['fingerprint'][:8]})"
    return f"{what}, {against}" + (f", extractor {extractor['name']} {extractor['hash'][:8]}" if extractor else "")


def measured(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the names of all values that stand in tables."""
    summaries = [outcome.summary for outcome in outcomes if outcome.summary]
    states = [state for summary in summaries for state in (summary, summary.best) if state]
    names = dict.fromkeys(name for state in states for name in state.metrics)
    return [name for name in names if is_headline(name)]


def _members(part: Sequence[int], left: list[int], kinds: Sequence[str]) -> dict[str, list[int]]:
    """Return the runs of a table by their kinds; those without numbers belong to the first table that has their kind."""
    members = {kind: [index for index in part if kinds[index] == kind] for kind in dict.fromkeys(kinds[i] for i in part)}
    for index in [index for index in left if kinds[index] in members]:
        members[kinds[index]].append(index)
        left.remove(index)
    return members


def _group(kind: str, members: Sequence[Outcome], indices: list[int], row: Row, names: Sequence[str]) -> dict[str, Any]:
    summaries = [outcome.summary for outcome in members if outcome.summary]
    ended = [(str(outcome.seed), outcome.summary) for outcome in members if outcome.summary and outcome.is_ended]
    scores = [name for name in names if not name.startswith("loss/")]

    def over(value: Callable[..., float | None]) -> dict[str, Any]:
        """Return the interval over seeds of a value of summaries."""
        return interval(by_seed((seed, value(summary)) for seed, summary in ended))

    return {
        "rank": None,
        "label": kind,
        "parameters": row,
        "runs": indices,
        "seeds": [outcome.seed for outcome in members],
        "n": len({seed for seed, _ in ended}),
        "final": {name: over(lambda one, name=name: one.metrics.get(name)) for name in names},
        "best": {name: over(lambda one, name=name: one.best and one.best.metrics.get(name)) for name in scores},
        "best_iterations": [summary.best.iteration for summary in summaries if summary.best],
        "health": dict(Counter(summary.health.verdict for summary in summaries if summary.health)),
        "status": dict(Counter(outcome.status for outcome in members)),
        "cut": sum(outcome.is_cut for outcome in members),
        "seconds": over(lambda one: one.training_seconds),
        "images_per_second": over(lambda one: one.images_per_second),
    }


def _ranked(groups: list[dict[str, Any]], by: str | None, goal: str | None, on: str) -> list[dict[str, Any]]:
    def mean(group: dict[str, Any]) -> float | None:
        return group[on].get(by, {}).get("mean") if by else None

    def place(group: dict[str, Any]) -> tuple[bool, bool, float]:
        if (value := mean(group)) is None:
            return True, False, 0.0
        broken = group["cut"] > 0 or any(word in _BROKEN for word in (*group["status"], *group["health"]))
        return False, broken, value if goal == "min" else -value

    ranked = sorted(groups, key=place)
    for rank, group in enumerate(ranked, 1):
        group["rank"] = None if mean(group) is None else rank
    return ranked
