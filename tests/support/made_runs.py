"""Run directories and records as training and sweeps leave them, made without training."""

import csv
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ganexp.config.compose import compose
from ganexp.runs.records import Best, EvaluationRecord, Health, JobRecord, Protocol, Summary, SweepRecord
from ganexp.runs.run import Run

BEGAN, ENDED, LATER = (f"2026-11-21T1{hour}:00:00+00:00" for hour in range(3))
PROTOCOL: Protocol = {
    "iteration": 100,
    "data": {"name": "Mixture", "fingerprint": "0123456789abcdef", "split": "train"},
    "extractor": None,
    "samples": 2500,
    "real": 2500,
    "ema": True,
    "seed": 1,
    "metrics": {"modes": {"_target_": "ganexp.metrics.ModeCoverage"}},
}
GOALS = {"quality": "max", "distance": "min"}


def summary(quality: float | None = 0.9, **changes: Any) -> Summary:
    """Return the summary of a run that finished; its distance is what it lacks in quality."""
    numbers = {"quality": quality, "distance": None if quality is None else 1 - quality, "share/0": 0.5}
    made = Summary(
        status="finished", reason=None, exit_status=0, name="made", metrics={**numbers, "loss/d": 1.0},
        best=best(**numbers), real={"quality": 0.99}, goals=GOALS, measured=PROTOCOL, health=Health("healthy"),
        iteration=100, total_iterations=100, d_updates=100, g_updates=100, images_seen=5000, training_seconds=10.0,
        seconds_per_epoch=None, images_per_second=500.0, seed=0, parameters={}, device="cpu (x86_64, 1 threads)", processes=1,
        precision="32-true", versions={"ganexp": "0"}, ended=ENDED, directory="made", command="ganexp",
    )  # fmt: skip
    return replace(made, **changes)


def best(iteration: int = 90, **metrics: float | None) -> Best:
    """Return the best state of a run, by its quality."""
    return Best("quality", iteration, "checkpoints/best.ckpt", metrics)


def make_run(folder: Path, *overrides: str, content: Summary | None = None, name: str | None = None) -> Path:
    """Make the directory of a run with these overrides below a folder, without a summary where none is given."""
    run = Run(folder / (name or ",".join(overrides)))
    run.create(deepcopy(_composed(overrides)), list(overrides))
    if content is not None:
        run.write_summary(content)
    return run.path


@cache
def _composed(overrides: tuple[str, ...]) -> dict[str, Any]:
    return compose(*overrides)


def make_record(sweep: Path, name: str, status: str, **changes: Any) -> Path:
    """Make the record of a job of a sweep, which needs no run directory."""
    command = "python -m ganexp -m loss=hinge,r3gan"
    SweepRecord(command=command, swept=["loss"], launcher="basic", began=BEGAN).write(sweep / "sweep.json")
    known = {
        "name": name, "directory": str(sweep / name), "overrides": name.split(","), "identity": name, "status": status,
        "began": BEGAN, "ended": None if status in ("running", "waiting") else ENDED, "log": f"jobs/{name}.log",
        "command": f"python -m ganexp {name.replace(',', ' ')}",
    }  # fmt: skip
    file = sweep / "jobs" / f"{name}.json"
    JobRecord(**known | changes).write(file)
    return file


def make_evaluation(file: Path, iteration: int, protocol: Protocol, metrics: dict[str, float]) -> None:
    """Keep a measurement in a run, as ``ganexp.evaluate`` does."""
    EvaluationRecord(
        run=str(file.parents[1]), iteration=iteration, checkpoint="last.ckpt", weights="", protocol=protocol, metrics=metrics,
        real={"quality": 0.97}, goals=GOALS, warnings=[], versions={}, device="cpu", ended=LATER, command="",
    ).write(file)  # fmt: skip


def make_curves(run: Path, rows: list[dict[str, Any]]) -> Path:
    """Write ``metrics.csv``."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with open(run / "metrics.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return run / "metrics.csv"
