"""Run directories and records as training and sweeps leave them, made without training."""

import csv
import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from ganexp.config.compose import compose
from ganexp.runs.run import Run

BEGAN, ENDED, LATER = (f"2026-11-21T1{hour}:00:00+00:00" for hour in range(3))
PROTOCOL = {
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


def summary(quality: float | None = 0.9, **changes: Any) -> dict[str, Any]:
    """Return what a run that finished says of itself; its distance is what it lacks in quality."""
    numbers = {"quality": quality, "distance": None if quality is None else 1 - quality, "share/0": 0.5}
    return {
        "status": "finished",
        "reason": None,
        "metrics": {**numbers, "loss/d": 1.0},
        "best": {"by": "quality", "iteration": 90, "metrics": numbers},
        "real": {"quality": 0.99},
        "measured": PROTOCOL,
        "goals": GOALS,
        "health": {"verdict": "healthy", "reason": None, "iteration": None, "alarms": [], "rollbacks": 0},
        "iteration": 100,
        "total_iterations": 100,
        "training_seconds": 10.0,
        "images_per_second": 500.0,
        "device": "cpu (x86_64, 1 threads)",
        "ended": ENDED,
        **changes,
    }


def make_run(folder: Path, *overrides: str, content: dict[str, Any] | None = None, name: str | None = None) -> Path:
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
    (sweep / "jobs").mkdir(parents=True, exist_ok=True)
    (sweep / "sweep.json").write_text(json.dumps({"command": "python -m ganexp -m loss=hinge,r3gan", "swept": ["loss"]}))
    record = {
        "name": name,
        "overrides": name.split(","),
        "status": status,
        "reason": None,
        "began": BEGAN,
        "ended": None if status in ("running", "waiting") else ENDED,
        "command": f"python -m ganexp {name.replace(',', ' ')}",
        **changes,
    }
    file = sweep / "jobs" / f"{name}.json"
    file.write_text(json.dumps(record))
    return file


def make_curves(run: Path, rows: list[dict[str, Any]]) -> Path:
    """Write ``metrics.csv``."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with open(run / "metrics.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return run / "metrics.csv"
