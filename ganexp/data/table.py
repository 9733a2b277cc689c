"""A user's own points, from tables: ``.csv``, ``.npy``, ``.npz``."""

import csv
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data.arrays import NAMES, HeldOut, class_of, divide, numbered, read_arrays
from ganexp.data.base import SPLITS, Split, StreamOptions, digest
from ganexp.data.points import Points


class PointFile(Points):
    """Points from a table: ``.csv``, ``.npy`` or ``.npz``, a row each, and their classes if a column has them.

    Arguments:
        path: The file. A ``.csv`` may have a line with names.
        columns: The columns that are coordinates, by name or number from 0; two of them are points in the plane.
        labels: The column with the class, by name or number; in a ``.npz``, the array ``labels`` or ``y`` is taken, too.
        held_out: Every how many-th point of each class is held out for testing; None: none, the training points are tested on.
        test: Another such file, with the points to be tested on; None: those that are held out.
        stream: See :class:`ganexp.data.StreamOptions`.

    Raises:
        ConfigError: The file cannot be read, or has no such columns.
    """

    def __init__(
        self,
        path: str,
        columns: Annotated[tuple[int | str, ...], Field(min_length=1)] = (0, 1),
        labels: int | str | None = None,
        held_out: HeldOut = 10,
        test: str | None = None,
        **stream: Unpack[StreamOptions],
    ) -> None:
        super().__init__(**stream)
        self.path = user_path(path).absolute()
        self.columns, self.labels, self.held_out = columns, labels, held_out
        self.shape = (len(columns),)
        points, classes = self._read(self.path)
        y = None
        if classes is not None:
            names, numbers = np.unique(classes, return_inverse=True)
            self.class_names, self.num_classes = tuple(map(str, names)), len(names)
            y = torch.from_numpy(numbers.reshape(-1).astype(np.int64))
        self._points = divide(points, y, held_out)
        if test is not None:
            tested, labelled = self._read(user_path(test).absolute())
            self._points = {"train": (points, y), "test": (tested, numbered(labelled, self.class_names, "data.test"))}
        if (learnt := self._points["train"][1]) is not None:
            self.class_weights = tuple(learnt.bincount(minlength=self.num_classes).double().tolist())

    def _read(self, path: Path) -> tuple[Tensor, np.ndarray | None]:
        """Return the points of a file, and the class of each or None."""
        names, rows, given = _table(path)
        x = np.stack([_column(rows, names, one, "data.columns", path) for one in self.columns], axis=1)
        points = _numbers(x, path)
        classes = given if self.labels is None else _column(rows, names, self.labels, "data.labels", path)
        if classes is not None and len(classes) != len(points):
            key = "data.path" if path == self.path else "data.test"
            raise ConfigError(f"{path}: {len(classes):,} labels do not fit {len(points):,} points", key)
        return points, classes

    def load(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Return the points (float32, (N, D)), and their classes (int64, (N,)) or None."""
        return self._points[split]

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the points and their classes."""
        parts = [part for split in SPLITS for part in self._points[split] if part is not None]
        return digest(type(self).__name__, *parts)


def _table(path: Path) -> tuple[list[str], np.ndarray, np.ndarray | None]:
    """Return the names of the columns, the rows, and labels that stand apart."""
    if path.suffix.lower() in (".npy", ".npz"):
        arrays = read_arrays(path)
        points, labels = NAMES["train"]
        name = next((name for name in points if name in arrays), None)
        if name is None or arrays[name].ndim != 2:
            raise ConfigError(f"{path} has no table of points", "data.path", hint="an array with shape (N, D)")
        apart = next((arrays[name] for name in labels if name in arrays), None)
        return [], arrays[name], None if apart is None else class_of(apart)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path} cannot be read: {reason}", "data.path", hint="name a .csv, .npy or .npz file") from error
    if uneven := next((index for index, row in enumerate(lines, 1) if len(row) != len(lines[0])), None):
        raise ConfigError(f"{path}: line {uneven} has {len(lines[uneven - 1])} cells, not {len(lines[0])}", "data.path")
    named = bool(lines) and not any(map(_is_number, lines[0]))
    names = [cell.strip() for cell in lines[0]] if named else []
    if len(lines) == named:
        raise ConfigError(f"{path} has no rows", "data.path")
    return names, np.array(lines[named:], dtype=object), None


def _column(rows: np.ndarray, names: list[str], wanted: int | str, key: str, path: Path) -> np.ndarray:
    number = names.index(wanted) if wanted in names else wanted
    if not isinstance(number, int) or not 0 <= number < rows.shape[1]:
        listed = ", ".join(names) if names else f"they are 0 to {rows.shape[1] - 1}"
        raise ConfigError(f"{path} has no column {wanted}", key, hint=f"choices: {listed}" if names else listed)
    return rows[:, number]


def _numbers(rows: np.ndarray, path: Path) -> Tensor:
    """Return rows as points, float32."""
    try:
        points = torch.from_numpy(rows.astype(np.float64)).float()
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: {error}", "data.path", "data.columns") from error
    if not len(points) or not points.isfinite().all():
        raise ConfigError(f"{path} has {'a value that is not finite' if len(points) else 'no rows'}", "data.path")
    return points


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
