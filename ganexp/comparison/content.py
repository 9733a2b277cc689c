"""A whole comparison as plain types: what the page shows, and what the tables are made of."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from ganexp import __version__
from ganexp.comparison import curves, pictures
from ganexp.comparison.collect import Found, Outcome
from ganexp.comparison.parameters import Parameter, labels, vary
from ganexp.comparison.ranking import goals, measured, tables
from ganexp.comparison.verdict import sentences
from ganexp.comparison.words import count, relative
from ganexp.runs.resumed import command
from ganexp.runs.run import Run
from ganexp.runs.saved import flags
from ganexp.runs.signals import is_headline

# What did not end as it should, worst first.
_FAILURES = ("failed", "diverged", "killed", "refused", "unfinished", "stopped", "pruned")


def content(
    found: Found, arguments: Sequence[str], by: str | None = None, on: str = "final", numbers: str = "training"
) -> dict[str, Any]:
    """Return all that is known of the runs, ranked, with their curves and pictures.

    Arguments:
        found: The runs.
        arguments: Those of the command that makes the report again.
        by: The value that ranks.
        on: Whether the final state counts or the best one.
        numbers: Whether they are those that runs measured themselves, or were measured of them after training.

    Raises:
        ConfigError: No run has such a value.
    """
    outcomes = found.outcomes
    folder = relative(found.folder)
    swept = list(dict.fromkeys(key for sweep in found.sweeps for key in sweep.swept))
    searched = [name for search in found.searches for name in search.objectives]
    parameters, rows = vary(outcomes, swept)
    kinds = labels(parameters, rows)
    ranked = tables(outcomes, kinds, rows, by, on, searched)
    place = {run: index for index, table in enumerate(ranked) for group in table["groups"] for run in group["runs"]}
    read = []
    for outcome in outcomes:
        lines, whole = curves.read(outcome.directory / "metrics.csv")
        read.append(lines)
        outcome.reasons += [] if whole else ["metrics.csv is damaged"]
    runs = [
        {"id": index, "group": kinds[index], "table": place.get(index), "parameters": rows[index]}
        | _run(outcome, found, max((line["x"][-1] for line in read[index].values()), default=None))
        for index, outcome in enumerate(outcomes)
    ]
    ranking = list(dict.fromkeys(table["by"] for table in ranked if table["by"]))
    better = goals(outcomes)
    names = dict.fromkeys([*ranking, *better, *measured(outcomes)])
    return {
        "title": _title(parameters, outcomes),
        "version": __version__,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "folder": folder, "on": on, "numbers": numbers,
        "commands": [sweep.command for sweep in found.sweeps],
        "report_command": shlex.join(["python", "-m", "ganexp.compare", *arguments]),
        "tensorboard": f"tensorboard --logdir {shlex.quote(folder)}",
        "verdict": sentences(ranked, [outcome.status for outcome in outcomes], on),
        "parameters": [asdict(parameter) for parameter in parameters],
        "metrics": [{"name": name, "goal": better.get(name)} for name in names],
        "tables": ranked, "runs": runs, "curves": _curves(read, ranking),
        "failures": [{"run": index} for index in _failures(outcomes)],
    }  # fmt: skip


def _run(outcome: Outcome, found: Found, reached: int | None) -> dict[str, Any]:
    summary, run = outcome.summary, Run(outcome.directory)
    best, health = (summary.best, summary.health) if summary else (None, None)
    trainer = (outcome.config or {}).get("trainer") or {}
    picture = pictures.newest(outcome.directory)
    overrides = [override for override in outcome.overrides if not override.startswith("output_dir=")]
    given = flags(outcome.config or {})
    continued = run.exists and outcome.status not in ("finished", "running", "waiting", "pruned")
    return {
        "name": os.path.relpath(outcome.directory, found.folder),
        "seed": outcome.seed,
        "status": outcome.status,
        "counts": outcome.is_ended,
        "reason": "; ".join(outcome.reasons) or None,
        "health": health and {"verdict": health.verdict, "reason": health.reason, "iteration": health.iteration},
        "iteration": summary.iteration if summary else reached,
        "total_iterations": summary.total_iterations if summary else trainer.get("max_iterations"),
        "final": _headlines(summary.metrics if summary else {}),
        "best": _headlines(best.metrics if best else {}),
        "best_iteration": best and best.iteration,
        "seconds": summary and summary.training_seconds,
        "images_per_second": summary and summary.images_per_second,
        "device": summary and summary.device,
        "directory": str(outcome.directory),
        "command": outcome.record.command if outcome.record else shlex.join(["python", "-m", "ganexp", *given, *overrides]),
        "resume": command(outcome.directory) if continued else None,
        "log": None if outcome.status == "finished" else outcome.log,
        "picture": picture and pictures.embedded(outcome.directory, picture),
        "latents": picture and pictures.latents(outcome, picture),
    }


def _curves(read: Sequence[dict[str, curves.Curve]], ranking: Sequence[str]) -> dict[str, dict[str, curves.Curve]]:
    """Return curves by their tags, those that one looks at first before the others, and by the places of their runs."""
    found: dict[str, Any] = {tag: {} for tag in (*(f"metrics/{name}" for name in ranking), "loss/d", "loss/g")}
    for index, lines in enumerate(read):
        for tag, line in lines.items():
            found.setdefault(tag, {})[str(index)] = line
    return {tag: lines for tag, lines in found.items() if lines}


def _headlines(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if is_headline(name)}


def _failures(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the places of the runs that did not finish, or of which something is not there or damaged, worst first."""
    order = [*_FAILURES, "finished"]
    lost = [outcome.status == "finished" and bool(outcome.reasons or not outcome.summary) for outcome in outcomes]
    found = [index for index, outcome in enumerate(outcomes) if outcome.status in _FAILURES or lost[index]]
    return sorted(found, key=lambda index: order.index(outcomes[index].status))


def _title(parameters: Sequence[Parameter], outcomes: Sequence[Outcome]) -> str:
    """Say what was compared, on what."""
    varied = [parameter.key for parameter in parameters]
    if len({outcome.seed for outcome in outcomes}) > 1:
        varied.append("seed")
    chosen = [(outcome.config or {}).get("choices") or {} for outcome in outcomes]
    groups = ("experiment", "data", "model")
    options = [{str(choices[group]) for choices in chosen if group in choices} for group in groups]
    where = next((f" on {one}" for one, *more in map(list, filter(None, options)) if not more and one != "None"), "")
    return (", ".join(varied) or count(len(outcomes), "run")) + where
