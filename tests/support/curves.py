"""What the loggers of a run left, without what depends on the clock."""

import csv
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CLOCK = ("progress/images_per_second", "progress/seconds_per_epoch")


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return what TensorBoard shows of a run."""
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"] if tag not in CLOCK}


def rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of ``metrics.csv``."""
    with open(folder / "metrics.csv") as file:
        return [{tag: value for tag, value in row.items() if tag not in CLOCK} for row in csv.DictReader(file)]
