"""Measurements of several models as tables, those that may not be compared apart.

Contract: two rows stand in one table only if their protocols do not differ.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganexp.runs.protocol import differences, headings
from ganexp.runs.records import EvaluationRecord, Numbers, Protocol
from ganexp.runs.signals import is_headline, text

_WIDTH = 128
_GAP = "  "


@dataclass(frozen=True)
class Row:
    """A kept measurement.

    Attributes:
        run: The run directory.
        checkpoint: Which of its checkpoints was measured, such as last or best.
        file: Where it is kept.
        record: What is kept.
    """

    run: Path
    checkpoint: str
    file: Path
    record: EvaluationRecord

    @property
    def metrics(self) -> Numbers:
        """What was measured, by name."""
        return self.record.metrics

    @property
    def protocol(self) -> Protocol:
        """How it was made."""
        return self.record.protocol


def table(rows: Sequence[Row]) -> str:
    """Return a table for each protocol, headed by what tells it from the others, and where the measurements are kept."""
    groups: list[list[Row]] = []
    for row in rows:
        group = next((group for group in groups if not differences(group[0].protocol, row.protocol)), None)
        if group is None:
            groups.append(group := [])
        group.append(row)
    names = _names(rows)
    parts = [_table(group, names) for group in groups]
    if len(groups) > 1:
        heads = headings([group[0].protocol for group in groups])
        parts = [f"{head}\n{part}" for head, part in zip(heads, parts, strict=True)]
        parts.insert(0, "These were not measured in the same way; do not compare numbers of different tables.")
    warnings = [f"warning: {names[row.run]} ({row.checkpoint}): {sentence}" for row in rows for sentence in row.record.warnings]
    kept = str(rows[0].file) if len(rows) == 1 else f"{len(rows)} measurements, kept in the folder evaluations of each run"
    return "\n\n".join([*parts, "\n".join([*warnings, kept])])


def _table(rows: Sequence[Row], names: dict[Path, str]) -> str:
    """Return rows of one protocol and what real samples score, as many columns beside each other as there is room for."""
    real: Numbers = {}
    for row in rows:  # there is a value for classes only where a generator takes them
        real |= row.record.real
    values = [row.record.metrics for row in rows]
    columns = [name for name in dict.fromkeys(name for given in values for name in given) if is_headline(name)]
    lines = [["run", "checkpoint", "iteration"]]
    lines += [[names[row.run], row.checkpoint, f"{row.record.iteration:,}"] for row in rows]
    if real:
        values.append(real)
        lines.append([f"real ({rows[0].protocol['real']:,} held out)", "", ""])
    heads = _aligned(lines, "<<>")
    cells = [_aligned([[name], *([text(given.get(name))] for given in values)], ">") for name in columns]
    blocks = [heads]
    for cell in cells:
        if blocks[-1] is not heads and len(blocks[-1][0]) + len(_GAP) + len(cell[0]) > _WIDTH:
            blocks.append(heads)
        blocks[-1] = [f"{line}{_GAP}{part}" for line, part in zip(blocks[-1], cell, strict=True)]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks)


def _aligned(rows: Sequence[Sequence[str]], ways: str) -> list[str]:
    """Return rows as lines of equal length, each column to the left (<) or to the right (>)."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_GAP.join(f"{cell:{way}{width}}" for cell, way, width in zip(row, ways, widths, strict=True)) for row in rows]


def _names(rows: Sequence[Row]) -> dict[Path, str]:
    """Return what tells the runs apart in their paths."""
    runs = {row.run for row in rows}
    above = os.path.commonpath([run.parent for run in runs])
    return {run: os.path.relpath(run, above) for run in runs}
