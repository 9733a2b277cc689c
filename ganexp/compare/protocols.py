"""Which runs were measured in the same way, by what they are ranked, and in words how they were measured.

Contract: nothing heavy is imported for runs whose protocols are equal and which say the goals of their values themselves.
"""

import pkgutil
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ganexp.compare.collect import Outcome
from ganexp.runs.protocol import differences, digest
from ganexp.runs.signals import is_headline


def goals(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the values by which runs are ranked, in the order of the metrics, and whether the lowest (min) or highest is best.

    Runs of older versions do not say it; the classes of their metrics do.
    """
    found: dict[str, str] = {}
    for outcome in outcomes:
        if isinstance(given := outcome.summary.get("goals"), dict):
            found |= given
    nodes = {
        str(node.get("_target_")): None
        for outcome in outcomes
        if "goals" not in outcome.summary
        for node in ((outcome.summary.get("measured") or {}).get("metrics") or {}).values()
    }
    for target in nodes:
        try:
            found = {**getattr(pkgutil.resolve_name(target), "goals", {}), **found}
        except (ImportError, AttributeError, ValueError):  # another version's, or somebody else's
            continue
    return {name: found[name] for name in measured(outcomes) if name in found}


def default(outcomes: Sequence[Outcome], goals: dict[str, str], searched: Sequence[str] = ()) -> str | None:
    """Return the value that ranks runs unless another is asked for; None where nothing does.

    What a search was for; else that by which most runs chose their best state; else the first.
    """
    chosen = Counter(best.get("by") for outcome in outcomes if (best := outcome.summary.get("best")))
    names = [*searched, *(name for name, _ in chosen.most_common()), *goals]
    return next((name for name in names if name in goals), None)


def partition(outcomes: Sequence[Outcome], by: str | None) -> list[list[int]]:
    """Return the places of the runs that have numbers, those together whose values of ``by`` may be compared.

    What was interrupted before its first measurement has none yet.
    """
    alike: dict[str, list[int]] = {}
    for index, outcome in enumerate(outcomes):
        protocol = outcome.summary.get("measured")
        if protocol or outcome.is_ended:
            alike.setdefault(digest(protocol) if protocol else "", []).append(index)
    tables: list[list[int]] = []
    for indices in alike.values():
        first = outcomes[indices[0]].summary.get("measured")
        for table in tables:
            other = outcomes[table[0]].summary.get("measured")
            if first and other and not differences(other, first, by):
                table += indices
                break
        else:
            tables.append(list(indices))
    return [sorted(table) for table in tables]


def describe(protocol: dict[str, Any] | None) -> str:
    """Return in words how numbers were measured."""
    if not protocol:
        return "nothing was measured but the losses"
    parts = [
        f"{protocol['samples']:,} samples of the {'averaged ' if protocol['ema'] else ''}generator, seed {protocol['seed']}"
    ]
    data = protocol["data"]
    parts.append(f"against {data['name']} ({data['split']}, {data['fingerprint'][:8]})")
    if extractor := protocol.get("extractor"):
        parts.append(f"extractor {extractor['name']} {extractor['hash'][:8]}")
    return ", ".join(parts)


def measured(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the names of all values that stand in tables."""
    summaries = [outcome.summary for outcome in outcomes]
    states = [state for summary in summaries for state in (summary, summary.get("best") or {})]
    names = dict.fromkeys(name for state in states for name in state.get("metrics") or {})
    return [name for name in names if is_headline(name)]
