"""What is known of each sample besides a class: attributes that it has or has not, and numbers.

Contract: K values v of a sample are given to networks as the vector (1, (v_1 - c_1) / s_1, ..., (v_K - c_K) / s_K). Where the
training split has two values, they become 0 and 1; other columns have mean 0 and standard deviation 1. The leading 1 keeps a
sample without any attribute from being the zero vector, in which no direction is left.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganexp.config.errors import ConfigError

_NAMED = 8  # names in a line
_FEW = 3  # places in a refusal


@dataclass(frozen=True)
class Attributes:
    """Names of what is known, and how it becomes a vector.

    Arguments:
        names: K names.
        centres: c, K numbers.
        scales: s, K positive numbers.
    """

    names: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]

    @classmethod
    def of(cls, names: Sequence[str], values: Tensor) -> "Attributes":
        """Scale by the values of a training split, with shape (N, K)."""
        centres, scales = [], []
        for column in values.double().unbind(1):
            found = column.unique()
            two = len(found) == 2
            centres.append(float(found[0] if two else column.mean()))
            scales.append(float(found[1] - found[0] if two else column.std(correction=0)) or 1.0)
        return cls(tuple(names), tuple(centres), tuple(scales))

    @property
    def size(self) -> int:
        """Length of a vector, K + 1."""
        return len(self.names) + 1

    def encode(self, values: Tensor) -> Tensor:
        """Turn values with shape (N, K) into vectors with shape (N, K + 1)."""
        scaled = (values - values.new_tensor(self.centres)) / values.new_tensor(self.scales)
        return torch.cat([torch.ones_like(scaled[:, :1]), scaled], 1)

    def decode(self, vectors: Tensor) -> Tensor:
        """Turn vectors into values, the inverse of :meth:`encode`."""
        return vectors[:, 1:] * vectors.new_tensor(self.scales) + vectors.new_tensor(self.centres)

    def __str__(self) -> str:
        more = len(self.names) - _NAMED
        return ", ".join([*self.names[:_NAMED], *([f"{more:,} more"] if more > 0 else [])])


@dataclass(frozen=True)
class Table:
    """A table of what is known of files.

    Attributes:
        columns: The name of each column but the first.
        rows: The cells of these columns, by what the first one says.
    """

    columns: tuple[str, ...]
    rows: dict[str, list[str]]


def read_table(path: Path) -> Table:
    """Read a ``.csv`` whose first line names the columns, and whose first column names files.

    Raises:
        ConfigError: It cannot be read, or is none.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [(number, [cell.strip() for cell in row]) for number, row in enumerate(csv.reader(file), 1) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}", "data.labels") from error
    if not lines:
        raise ConfigError(f"{path} is empty", "data.labels", hint="its first line names the columns")
    (_, (_, *columns)), *rest = lines
    if not columns or not rest:
        what = "columns besides that of the files" if not columns else "rows"
        raise ConfigError(f"{path} has no {what}", "data.labels", hint="its first line names the columns")
    if double := sorted({name for name in columns if columns.count(name) > 1 or not name}):
        raise ConfigError(f"{path} has {'two columns ' + double[0] if double[0] else 'a column without a name'}", "data.labels")
    rows: dict[str, list[str]] = {}
    for number, (name, *cells) in rest:
        if len(cells) != len(columns):
            raise ConfigError(f"{path}: line {number} has {len(cells) + 1} cells, not {len(columns) + 1}", "data.labels")
        if name in rows:
            raise ConfigError(f"{path}: line {number} is about {name} again", "data.labels")
        if not all(cells):
            raise ConfigError(f"{path}: line {number} has an empty cell", "data.labels", hint="every file needs all of them")
        rows[name] = cells
    return Table(tuple(columns), rows)


def rows_of(table: Table, files: Sequence[str], path: Path) -> list[list[str]]:
    """Return the row of each file, which is known by its place in the folder or, where that is unique, by its name alone.

    Raises:
        ConfigError: Some have none.
    """
    ends = [name.rpartition("/")[2] for name in files]
    alone = {end for end in ends if ends.count(end) == 1} if len(set(ends)) < len(ends) else set(ends)
    found = [
        table.rows.get(name) or (table.rows.get(end) if end in alone else None) for name, end in zip(files, ends, strict=True)
    ]
    if absent := [name for name, row in zip(files, found, strict=True) if row is None]:
        more = f" and {len(absent) - _FEW:,} more" if len(absent) > _FEW else ""
        message = f"{path} has no row for {', '.join(absent[:_FEW])}{more}"
        raise ConfigError(message, "data.labels", hint=f"its first column has {next(iter(table.rows))}")
    return [row for row in found if row is not None]


def classes_of(table: Table) -> bool:
    """Return whether a table says the class of each file: with one column, of text."""
    return len(table.columns) == 1 and not _are_numbers([row[0] for row in table.rows.values()])


def numbers(columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> tuple[list[str], Tensor]:
    """Return the rows of a table as numbers with shape (N, K), with their names; text becomes a 0 or 1 for each of its values.

    Raises:
        ConfigError: A number is not finite.
    """
    names: list[str] = []
    values: list[np.ndarray] = []
    for name, column in zip(columns, zip(*rows, strict=True), strict=True):
        if _are_numbers(column):
            names.append(name)
            values.append(np.array(column, np.float64))
            continue
        cells = np.array(column, object)
        for value in sorted(set(column)):
            names.append(f"{name}={value}")
            values.append((cells == value).astype(np.float64))
    found = torch.from_numpy(np.stack(values, 1)).float()
    if not found.isfinite().all():
        wrong = names[int((~found.isfinite()).any(0).nonzero()[0])]
        raise ConfigError(f"{path}: {wrong} has a value that is not finite", "data.labels")
    return names, found


def _are_numbers(cells: Sequence[str]) -> bool:
    try:
        np.array(cells, np.float64)
    except ValueError:
        return False
    return True
