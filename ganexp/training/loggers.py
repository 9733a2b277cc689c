"""Loggers: TensorBoard and a CSV file, with the iteration as their x axis; a resumed run leaves no double point."""

import csv
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import Logger
from lightning.pytorch.loggers import TensorBoardLogger as LightningTensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from ganexp.runs.files import write_atomically
from ganexp.runs.run import METRICS
from ganexp.training.events import SUFFIX, continue_events


@dataclass(frozen=True)
class Place:
    """Where a run logs; a logger gets it as an argument by annotating a parameter of its constructor with this class.

    Attributes:
        folder: The run's folder, which is made before anything is logged.
        start: The iteration from which a run continues; None for a new one.
    """

    folder: Path
    start: int | None = None


class TensorBoard(LightningTensorBoardLogger):
    """Lightning's TensorBoard logger, with its events in the run's own folder so that TensorBoard shows the run's own name.

    Arguments:
        place: The run's folder; later entries of a killed run are hidden.
    """

    def __init__(self, place: Place) -> None:
        start = place.start
        # A reader that is looking on is told to forget. It does not listen to the first time, so a new run says it, too.
        purge = start + 1 if start else 0
        super().__init__(
            str(place.folder), name="", version="", default_hp_metric=False, purge_step=purge, filename_suffix=SUFFIX
        )  # fmt: skip
        self._start = start

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The writer; as it begins to write, what the run has lost is dropped."""
        if self._start is not None:
            continue_events(Path(self.log_dir), self._start)
            self._start = None
        return super().experiment

    @property
    def log_dir(self) -> str:
        """The run's folder itself."""
        return str(self.save_dir)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Flush all entries to the disk, and close the file unless the run's result is still to come."""
        if status == "success":
            self.save()
        else:
            self.close()

    @rank_zero_only
    def close(self) -> None:
        """Close the file."""
        super().finalize("success")

    @rank_zero_only
    def save(self) -> None:
        """Flush all entries to the disk; the configuration is in the run's folder already."""
        if self._experiment is not None:
            self._experiment.flush()


class CSV(Logger):
    """Write ``metrics.csv``: a row per iteration that has entries, a column per tag, empty where a tag has none.

    Arguments:
        place: The run's folder; later entries of a killed run are dropped.
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._path = place.folder / METRICS
        self._columns = ["iteration"]
        self._row: dict[str, float] = {}
        self._file: Any = None
        self._start = place.start

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "csv"

    @property
    def version(self) -> str:
        """Version of the logger: one file per run."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add entries to the row of iteration ``step``."""
        if self._file is None:
            self._open()
        if self._row and self._row["iteration"] != step:
            self._write_row()
        self._row |= {"iteration": step or 0, **metrics}

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Leave them to ``.hydra/config.yaml``."""

    @rank_zero_only
    def save(self) -> None:
        """Flush all entries to the disk."""
        if self._file is not None:
            self._write_row()
            os.fsync(self._file.fileno())

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Close the file."""
        try:
            self.save()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> None:
        rows: list[dict[str, Any]] = []
        if self._start:
            columns, rows = _rows_until(self._start, self._path)
            self._columns = columns if rows else self._columns
        self._rewrite(rows)

    def _write_row(self) -> None:
        if not self._row:
            return
        fresh = [tag for tag in self._row if tag not in self._columns]
        if fresh:
            # A new tag adds a column to the whole table: rare, and never in the middle of a row.
            with open(self._path, newline="") as file:
                rows: list[dict[str, Any]] = list(csv.DictReader(file))
            self._columns += fresh
            self._rewrite(rows)
        line = io.StringIO(newline="")
        csv.DictWriter(line, self._columns, restval="").writerow(self._row)
        self._row, rest = {}, line.getvalue().encode()
        while rest:  # no buffer of the file holds what cannot be written
            rest = rest[self._file.write(rest) :]

    def _rewrite(self, rows: list[dict[str, Any]]) -> None:
        if self._file is not None:
            self._file.close()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self._path, text.getvalue())
        self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115 (open until the run ends)


def _rows_until(iteration: int, path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and rows of a table up to an iteration: all that are whole.

    All of them were on the disk before the checkpoint was; so where one is missing, it was lost otherwise. Then the file is
    kept under another name, with a warning.
    """
    if not path.is_file():
        return [], []
    text = path.read_bytes().decode(errors="replace")
    lines = text.splitlines(keepends=True) or [""]
    columns = _cells(lines[0])
    rows, broken, last = [], 0 if columns[:1] == ["iteration"] else len(lines), -1
    for line in lines[1:] if not broken else ():
        cells = _cells(line)
        whole = line.endswith("\n") and len(cells) == len(columns) and cells[0].isdecimal() and int(cells[0]) > last
        if whole and int(cells[0]) <= iteration:
            last = int(cells[0])
            rows.append(dict(zip(columns, cells, strict=True)))
        elif not whole and line is not lines[-1]:  # what was written last may have been cut off by a kill
            broken += 1
    if broken:
        kept = path.with_suffix(".damaged.csv")
        write_atomically(kept, text)
        lost = f"{broken} of its {len(lines)} lines are left out" if rows else "the curves before this resume are lost"
        warnings.warn(f"{path} is damaged, and kept as {kept.name}: {lost}", RuntimeWarning, stacklevel=2)
    return columns, rows


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []
