"""Loggers: TensorBoard and a CSV file, with the iteration as their x axis; a resumed run leaves no double point."""

import csv
import io
import os
import time
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch.loggers import Logger
from lightning.pytorch.loggers import TensorBoardLogger as LightningTensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from ganexp.runs.files import write_atomically
from ganexp.runs.records import Summary
from ganexp.runs.signals import is_headline


class TensorBoard(LightningTensorBoardLogger):
    """Lightning's TensorBoard logger, with its events in the run's own folder so that TensorBoard shows the run's own name.

    Arguments:
        folder: The run's folder.
        start: Iteration from which a run continues, ``None`` for a new one; later entries of a killed run are hidden.
    """

    def __init__(self, folder: str | Path, start: int | None = None) -> None:
        purge = start + 1 if start else start  # a run that lost everything begins again at 0
        if start is not None:
            _let_the_second_pass(Path(folder))
        super().__init__(str(folder), name="", version="", default_hp_metric=False, purge_step=purge)

    @property
    def log_dir(self) -> str:
        """The run's folder itself."""
        return str(self.save_dir)

    @rank_zero_only
    def log_config(self, config: dict[str, Any]) -> None:
        """Show the resolved configuration in the TEXT tab."""
        text = yaml.safe_dump(config, sort_keys=False)
        self.experiment.add_text("config", "".join(f"    {line}\n" for line in text.splitlines()), 0)

    @rank_zero_only
    def log_result(self, choices: dict[str, Any], summary: Summary) -> None:
        """Fill the run's row of the HPARAMS table: metrics of the final and the best state, and the iteration of the best."""
        values = {f"final/{name}": value for name, value in summary.metrics.items() if is_headline(name)}
        if best := summary.best:
            values |= {f"best/{name}": value for name, value in best.metrics.items() if is_headline(name)}
            values["best/iteration"] = best.iteration
        self.log_hyperparams(choices, values, step=summary.iteration)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Flush all entries to the disk, and close the file unless the run's result is still to come."""
        # A file opened anew for it could sort before the run's curves, which would then hide it.
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


def _let_the_second_pass(folder: Path) -> None:
    """Wait, for a second at most, until a new file of events is named after a later second than those that are there.

    TensorBoard reads the files of a run in the order of their names, which begin with the second in which each was begun.
    """
    seconds = [path.name.split(".")[3] for path in folder.glob("events.out.tfevents.*")]
    if seconds and int(time.time()) == int(max(seconds)):
        time.sleep(1 - time.time() % 1)


class CSV(Logger):
    """Write ``metrics.csv``: a row per iteration that has entries, a column per tag, empty where a tag has none.

    Arguments:
        folder: The run's folder.
        start: Iteration from which a run continues, ``None`` for a new one; later entries of a killed run are dropped.
    """

    def __init__(self, folder: str | Path, start: int | None = None) -> None:
        super().__init__()
        self._path = Path(folder) / "metrics.csv"
        self._columns = ["iteration"]
        self._row: dict[str, float] = {}
        self._file: Any = None
        self._start = start

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
            self._file.flush()
            os.fsync(self._file.fileno())

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Close the file."""
        self.save()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        rows = []
        if self._start and self._path.exists():
            with open(self._path, newline="") as file:
                rows = [row for row in csv.DictReader(file) if row["iteration"] and int(row["iteration"]) <= self._start]
        if rows:
            self._columns = list(rows[0])
        self._rewrite(rows)

    def _write_row(self) -> None:
        if not self._row:
            return
        fresh = [tag for tag in self._row if tag not in self._columns]
        if fresh:
            # A new tag adds a column to the whole table: rare, and never in the middle of a row.
            self._file.flush()
            with open(self._path, newline="") as file:
                rows: list[dict[str, Any]] = list(csv.DictReader(file))
            self._columns += fresh
            self._rewrite(rows)
        csv.DictWriter(self._file, self._columns, restval="").writerow(self._row)
        self._row = {}

    def _rewrite(self, rows: list[dict[str, Any]]) -> None:
        if self._file is not None:
            self._file.close()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self._path, text.getvalue())
        self._file = open(self._path, "a", newline="")  # noqa: SIM115 (open until the run ends)
