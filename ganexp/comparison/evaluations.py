"""What ``ganexp.evaluate`` measured after training, in place of what runs measured themselves.

Contract: the numbers of a run come from one protocol. Of several it is the one that most runs have in common, then that of the
most samples; a run of which the state that counts was not measured keeps its own numbers.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ganexp.comparison.collect import Outcome, found_record
from ganexp.config.errors import ConfigError
from ganexp.runs.protocol import digest
from ganexp.runs.records import EvaluationRecord

Records = dict[int | None, EvaluationRecord]  # by iteration


def evaluated(outcomes: Sequence[Outcome], on: str = "final") -> list[Outcome]:
    """Return the runs with the numbers that were measured of their last and best states after training.

    Arguments:
        outcomes: The runs.
        on: The state that counts, final or best: a protocol by which that of a run was not measured is not the run's.

    Raises:
        ConfigError: Of no run it was measured.
    """
    kept = [(outcome, _kept(outcome)) for outcome in outcomes]
    counted = [{key: found for key, found in protocols.items() if _iteration(one, on) in found} for one, protocols in kept]
    common = Counter(key for protocols in counted for key in protocols)
    some = {key: next(iter(records.values())) for protocols in counted for key, records in protocols.items()}
    order = sorted(common, key=lambda key: (common[key], some[key].protocol["samples"]), reverse=True)
    if not order:
        other = {"final": "best", "best": "final"}[on]
        any_state = any(protocols for _, protocols in kept)
        hint = f"on={other} ranks by what was" if any_state else "python -m ganexp.evaluate run=<folder> does that"
        raise ConfigError(f"the {on} state of none of these runs was measured after training", "numbers", hint=hint)
    return [_with(outcome, protocols, order) for outcome, protocols in zip(outcomes, counted, strict=True)]


def _iteration(outcome: Outcome, state: str) -> int | None:
    """Return the iteration of the final or of the best state."""
    summary = outcome.summary
    found = summary if state == "final" else summary and summary.best
    return found.iteration if found else None


def _kept(outcome: Outcome) -> dict[str, Records]:
    """Return what was measured of the last and of the best state, by each protocol; note what is damaged."""
    states = {_iteration(outcome, state) for state in ("final", "best")} - {None}
    found: dict[str, Records] = {}
    for file in sorted((outcome.directory / "evaluations").glob("[!.]*.json")):
        record = found_record(file, EvaluationRecord, outcome.reasons)
        if record and record.iteration in states:
            found.setdefault(digest(record.protocol), {})[record.iteration] = record
    return found


def _with(outcome: Outcome, protocols: dict[str, Records], order: Sequence[str]) -> Outcome:
    records, summary = next((protocols[key] for key in order if key in protocols), None), outcome.summary
    if records is None or summary is None:
        return outcome
    last, then = (records.get(_iteration(outcome, state)) for state in ("final", "best"))
    some = next(iter(records.values()))
    losses = {name: value for name, value in summary.metrics.items() if name.startswith("loss/")}
    changed = replace(
        summary, metrics=losses | (last.metrics if last else {}), real=some.real, goals=some.goals, measured=some.protocol,
        best=replace(summary.best, metrics=then.metrics) if summary.best and then else None,
    )  # fmt: skip
    return replace(outcome, summary=changed)
