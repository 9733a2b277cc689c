"""Kinds of runs, ranked: what several seeds of each amount to, a table for each protocol.

Contract: kinds are ranked by the mean over their runs of one value. A kind of which a run diverged, failed, or was ended before
its budget stands behind all kinds of which none was, however good its numbers are; what was measured otherwise stands apart.
Runs of a kind that have the same seed count as one, by their mean: they say nothing more about chance. A run that was
interrupted does not count until it is continued: its numbers are of a smaller budget.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ganexp.compare import protocols
from ganexp.compare.collect import Outcome
from ganexp.compare.parameters import Row
from ganexp.compare.statistics import by_seed, interval
from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.runs.protocol import headings
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
    goals = protocols.goals(outcomes)
    if by is not None and by not in goals:
        choices = f"choices: {', '.join(goals)}" if goals else "nothing was measured by which runs are ranked"
        hint = f"did you mean {meant}?" if (meant := near_miss(by, goals)) else choices
        raise ConfigError("no such value ranks runs", "by", hint=hint)
    parts = protocols.partition(outcomes, by or protocols.default(outcomes, goals, searched))
    first = [protocols.protocol_of(outcomes[part[0]]) for part in parts]
    heads = iter(headings([protocol for protocol in first if protocol]))
    left = [index for index in range(len(outcomes)) if not any(index in part for part in parts)]
    found = []
    for part, protocol in zip(parts, first, strict=True):
        numbers = [outcomes[index] for index in part]
        names = protocols.measured(numbers)
        ranking = by if by in names else protocols.default(numbers, {k: v for k, v in goals.items() if k in names}, searched)
        members = _members(part, left, kinds)
        groups = [_group(kind, [outcomes[i] for i in some], some, rows[some[0]], names) for kind, some in members.items()]
        real: dict[str, Any] = {}
        for outcome in numbers:  # only models with classes have a value for them
            scores = outcome.summary.real if outcome.summary else {}
            real |= {name: value for name, value in scores.items() if is_headline(name)}
        found.append(
            {
                "protocol": protocols.describe(protocol),
                "differs": (next(heads) if protocol else "nothing measured") if len(parts) > 1 else "",
                "by": ranking,
                "goal": goals.get(ranking or ""),
                "real": real,
                "groups": _ranked(groups, ranking, goals.get(ranking or ""), on),
            }
        )
    return found


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
        "best": {
            name: over(lambda one, name=name: one.best and one.best.metrics.get(name))
            for name in names
            if not name.startswith("loss/")
        },
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

    def place(group: dict[str, Any]) -> tuple[bool, float]:
        broken = group["cut"] > 0 or any(word in _BROKEN for word in (*group["status"], *group["health"]))
        value = mean(group)
        assert value is not None
        return broken, value if goal == "min" else -value

    ranked = sorted((group for group in groups if mean(group) is not None), key=place)
    for rank, group in enumerate(ranked, 1):
        group["rank"] = rank
    return ranked + [group for group in groups if mean(group) is None]
