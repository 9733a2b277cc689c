"""Which runs were measured in the same way, by what they are ranked, and in words how they were measured.

Contract: nothing heavy is imported for runs whose protocols are equal.
"""

from collections import Counter
from collections.abc import Sequence

from ganexp.compare.collect import Outcome
from ganexp.runs.protocol import differences, digest
from ganexp.runs.records import Protocol
from ganexp.runs.signals import is_headline


def goals(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the values by which runs are ranked, in the order of the metrics, and whether lower or higher is better."""
    found = {name: goal for outcome in outcomes if outcome.summary for name, goal in outcome.summary.goals.items()}
    return {name: found[name] for name in measured(outcomes) if name in found}


def default(outcomes: Sequence[Outcome], goals: dict[str, str], searched: Sequence[str] = ()) -> str | None:
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
    alike: dict[str, list[int]] = {}
    for index, outcome in enumerate(outcomes):
        protocol = protocol_of(outcome)
        if protocol or outcome.is_ended:
            alike.setdefault(digest(protocol) if protocol else "", []).append(index)
    tables: list[list[int]] = []
    for indices in alike.values():
        first = protocol_of(outcomes[indices[0]])
        for table in tables:
            other = protocol_of(outcomes[table[0]])
            if first and other and not differences(other, first, by):
                table += indices
                break
        else:
            tables.append(list(indices))
    return [sorted(table) for table in tables]


def protocol_of(outcome: Outcome) -> Protocol | None:
    """Return how a run was measured."""
    return outcome.summary.measured if outcome.summary else None


def describe(protocol: Protocol | None) -> str:
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
    summaries = [outcome.summary for outcome in outcomes if outcome.summary]
    states = [state for summary in summaries for state in (summary, summary.best) if state]
    names = dict.fromkeys(name for state in states for name in state.metrics)
    return [name for name in names if is_headline(name)]
