"""What ``ganexp.evaluate`` measured after training, in place of what runs measured themselves.

Contract: the numbers of a run come from one protocol. Of several it is the one that most runs have in common, then that of the
most samples; a run that was not measured after training keeps its own numbers.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganexp.comparison.collect import Outcome
from ganexp.errors import ConfigError
from ganexp.evaluation.protocol import digest

Record = dict[str, Any]
Records = dict[Any, Record]  # by iteration


def evaluated(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the runs with the numbers that were measured of their last and best states after training.

    Raises:
        ConfigError: There are none.
    """
    kept = [_kept(outcome) for outcome in outcomes]
    common = Counter(key for protocols in kept for key in protocols)
    samples = {key: _samples(records) for protocols in kept for key, records in protocols.items()}
    order = sorted(common, key=lambda key: (common[key], samples[key]), reverse=True)
    if not order:
        raise ConfigError(
            "none of these runs was measured after training", "numbers", hint="python -m ganexp.evaluate run=<folder> does that"
        )
    return [_with(outcome, protocols, order) for outcome, protocols in zip(outcomes, kept, strict=True)]


def _kept(outcome: Outcome) -> dict[str, Records]:
    """Return what was measured of the last and of the best state, by each protocol; note what is damaged."""
    states = {outcome.summary.get("iteration"), (outcome.summary.get("best") or {}).get("iteration")}
    found: dict[str, Records] = {}
    for file in sorted((outcome.directory / "evaluations").glob("*.json")):
        record = _read(file)
        if record is None:
            outcome.reasons.append(f"evaluations/{file.name} is damaged")
        elif record["iteration"] in states:
            found.setdefault(digest(record["protocol"]), {})[record["iteration"]] = record
    return found


def _samples(records: Records) -> int:
    return max(int(record["protocol"]["samples"]) for record in records.values())


def _read(file: Path) -> Record | None:
    try:
        record = json.loads(file.read_text())
        digest(record["protocol"])
        whole = isinstance(record["iteration"], int) and isinstance(record["protocol"]["samples"], int)
        return record if whole and all(isinstance(record[key], dict) for key in ("metrics", "real")) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _with(outcome: Outcome, protocols: dict[str, Records], order: Sequence[str]) -> Outcome:
    records = next((protocols[key] for key in order if key in protocols), None)
    if records is None:
        return outcome
    summary, best = outcome.summary, outcome.summary.get("best") or {}
    last, then, some = records.get(summary.get("iteration")), records.get(best.get("iteration")), next(iter(records.values()))
    losses = {name: value for name, value in summary["metrics"].items() if name.startswith("loss/")}
    changed = {
        **{name: value for name, value in summary.items() if name != "goals"},
        "metrics": losses | (last["metrics"] if last else {}),
        "best": {**best, "metrics": then["metrics"]} if then else None,
        "real": some["real"],
        "measured": some["protocol"],
    }
    return replace(outcome, summary=changed | ({"goals": some["goals"]} if "goals" in some else {}))
