"""What runs, jobs, sweeps and evaluations leave on disk, as JSON: one definition for those who write and those who read.

Contract: a record is written whole and in strict JSON, where numbers that are not finite are null. It says the number of its
format; a record of another format is refused by the name of its file, and so is a damaged one where it is needed.
"""

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from typing_extensions import NotRequired, TypedDict  # pydantic needs it below Python 3.12

from ganexp.config.errors import ConfigError
from ganexp.runs.files import read_inside, write_json

FORMAT = 1
"""The number of the format of all records: it is raised when their meaning changes."""

_BYTES = 20_000_000

Numbers = dict[str, float | None]
Goal = Literal["min", "max"]
Kind = TypeVar("Kind", bound="Record")


class DamagedError(ConfigError):
    """A file is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A file of some kind."""

    format: int = FORMAT

    def write(self, file: Path) -> None:
        """Save the record.

        Raises:
            OSError: The file cannot be written.
        """
        write_json(file, asdict(self))


def read(file: Path, kind: type[Kind]) -> Kind:
    """Return the record in a file.

    Raises:
        OSError: The file cannot be read, is none, or is a link.
        ConfigError: It is of another format, or damaged.
    """
    text = read_inside(file.parent, file.name, _BYTES)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{file} is damaged") from error
    if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
        raise ConfigError(f"{file} has format {content['format']}, this version of ganexp reads format {FORMAT}")
    try:
        record: Kind = _adapter(kind).validate_json(text, strict=True)  # type: ignore[arg-type] # mypy: no type is hashable
    except ValueError as error:  # pydantic's
        raise DamagedError(f"{file} is damaged") from error
    return record


def find(file: Path, kind: type[Kind]) -> Kind | None:
    """Return the record in a file; None where there is none or a damaged one.

    Raises:
        ConfigError: It is of another format.
    """
    try:
        return read(file, kind)
    except (OSError, DamagedError):
        return None


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


class Data(TypedDict):
    """The data by which something was measured."""

    name: str
    split: str
    fingerprint: str


class Extractor(TypedDict):
    """The network that took features."""

    __pydantic_config__ = {"extra": "allow"}  # type: ignore[misc]  # noqa: RUF012

    name: str
    hash: str
    test_accuracy: NotRequired[float]


class Protocol(TypedDict):
    """How something was measured, and at which iteration."""

    iteration: NotRequired[int]
    data: Data
    extractor: Extractor | None
    samples: int
    real: int
    ema: bool
    seed: int
    metrics: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Best:
    """The best state of a run.

    Attributes:
        by: The value by which it is the best.
        iteration: When it was reached.
        checkpoint: Its file in the run directory.
        metrics: What it scored.
    """

    by: str
    iteration: int
    checkpoint: str
    metrics: Numbers


@dataclass(frozen=True)
class Alarm:
    """A verdict on a run, the reason and the iteration of its first sign."""

    verdict: str
    reason: str
    iteration: int


@dataclass(frozen=True)
class Health:
    """The verdict on a run at its end; with a reason and the iteration of its first sign unless it is healthy.

    Attributes:
        alarms: All alarms of the run.
        rollbacks: How often it went back to an earlier state.
    """

    verdict: str
    reason: str | None = None
    iteration: int | None = None
    alarms: list[Alarm] = field(default_factory=list)
    rollbacks: int = 0


@dataclass(frozen=True, kw_only=True)
class Summary(Record):
    """``summary.json`` of a run that has ended.

    Attributes:
        status: finished, pruned, diverged or stopped.
        reason: Why it ended, where it did not finish.
        exit_status: That of its process.
        metrics: What the last state scored, and its losses.
        best: The best state; None where nothing ranks states.
        real: What real data scores.
        goals: The values by which models are ranked, and whether lower or higher is better.
        measured: How; None where nothing was measured.
        data: What was found in a user's own files; None for other data.
        training_seconds: Time of training alone.
        parameters: How many parameters each network has.
        ended: ISO 8601, UTC.
    """

    status: str
    reason: str | None
    exit_status: int
    name: str
    metrics: Numbers
    best: Best | None
    real: Numbers
    goals: dict[str, Goal]
    measured: Protocol | None
    health: Health | None
    iteration: int
    total_iterations: int
    d_updates: int
    g_updates: int
    images_seen: int
    training_seconds: float
    seconds_per_epoch: float | None
    images_per_second: float | None
    seed: int
    parameters: dict[str, int]
    device: str
    processes: int
    precision: str
    versions: dict[str, str]
    ended: str
    directory: str
    command: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class JobRecord(Record):
    """``jobs/<name>.json`` of a sweep: what became of a run, or why there is none.

    Attributes:
        name: The name of the run directory.
        directory: Where that is.
        overrides: The overrides of the run.
        identity: What :func:`ganexp.config.keys.identity` says of it.
        status: waiting, running, finished, pruned, diverged, stopped, killed, refused, failed; `elsewhere`, which is never
            written: another process works on the job.
        attempts: How often it was started.
        host: Where the process that supervises it runs.
        pid: The number of that process.
        launcher: The class of the launcher that has it in a queue.
        ticket: What the queue calls it.
        log: The file with what the run printed.
        flags: Arguments before the overrides, such as ``--config-dir``.
        began: When the last attempt began; ISO 8601, UTC.
        ended: When it ended.
        command: What makes the same run by itself.
    """

    name: str
    directory: str
    overrides: list[str]
    identity: str
    status: str = "waiting"
    reason: str | None = None
    exit_status: int | None = None
    attempts: int = 0
    host: str | None = None
    pid: int | None = None
    launcher: str | None = None
    ticket: str | None = None
    log: str
    flags: list[str] = field(default_factory=list)
    began: str | None = None
    ended: str | None = None
    command: str


@dataclass(frozen=True)
class Searched:
    """What a search looks for: its objectives, how many trials it was asked for, and which state of a run counts."""

    objectives: dict[str, Literal["minimize", "maximize"]]
    trials: int
    value: Literal["final", "best"]


@dataclass(frozen=True, kw_only=True)
class SweepRecord(Record):
    """``sweep.json``: the latest command, all keys that varied, where it ran, when the first command was given."""

    command: str
    swept: list[str]
    launcher: str
    began: str
    search: Searched | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationRecord(Record):
    """``evaluations/<iteration>-<digest>.json`` of a run: a measurement that was made after training.

    Attributes:
        run: The run directory.
        checkpoint: The file whose state was measured.
        weights: A digest of the weights.
        protocol: How it was measured.
        metrics: What the state scored.
        real: What real data scores.
        goals: The values by which models are ranked, and whether lower or higher is better.
        warnings: What diversity the metrics miss, a sentence each.
    """

    run: str
    iteration: int
    checkpoint: str
    weights: str
    protocol: Protocol
    metrics: Numbers
    real: Numbers
    goals: dict[str, Goal]
    warnings: list[str]
    versions: dict[str, str]
    device: str
    ended: str
    command: str
