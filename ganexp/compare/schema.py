"""What a comparison reads of the files that runs, sweeps and evaluations leave, as types; a file that says else is damaged."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import NotRequired, TypedDict  # pydantic needs it below Python 3.12

Numbers = dict[str, float | None]


class Data(TypedDict):
    """The data by which something was measured."""

    name: str
    split: str
    fingerprint: str


class Extractor(TypedDict):
    """What features are taken by."""

    name: str
    hash: str


class Protocol(TypedDict):
    """How something was measured."""

    data: Data
    extractor: Extractor | None
    samples: int
    ema: bool
    seed: int
    metrics: dict[str, dict[str, Any]]


class State(TypedDict):
    """The best state of a run."""

    metrics: Numbers
    by: NotRequired[str | None]
    iteration: NotRequired[int | None]


class Health(TypedDict):
    """The health of a run."""

    verdict: str
    reason: NotRequired[str | None]


class Summary(TypedDict):
    """The content of summary.json."""

    status: str
    metrics: Numbers
    exit_status: NotRequired[int]
    reason: NotRequired[str | None]
    best: NotRequired[State | None]
    real: NotRequired[Numbers | None]
    goals: NotRequired[dict[str, str]]
    measured: NotRequired[Protocol | None]
    health: NotRequired[Health | None]
    iteration: NotRequired[int | None]
    total_iterations: NotRequired[int | None]
    training_seconds: NotRequired[float | None]
    images_per_second: NotRequired[float | None]
    ended: NotRequired[str | None]


class Record(TypedDict):
    """The record of a job of a sweep."""

    status: str
    reason: NotRequired[str | None]
    overrides: NotRequired[list[str]]
    command: NotRequired[str | None]
    began: NotRequired[str | None]
    ended: NotRequired[str | None]


class Searched(TypedDict):
    """What a sweep's file says of a search."""

    value: NotRequired[str]
    objectives: NotRequired[dict[str, str]]


class Sweep(TypedDict):
    """The content of sweep.json."""

    command: NotRequired[str | None]
    swept: NotRequired[list[str] | None]
    search: NotRequired[Searched | None]


class Evaluation(TypedDict):
    """A measurement that was made after training."""

    iteration: int
    protocol: Protocol
    metrics: Numbers
    real: Numbers
    goals: NotRequired[dict[str, str]]


def is_whole(content: Any, kind: type) -> bool:
    """Return whether a file's content has what is read of a file of its kind."""
    try:
        _adapter(kind).validate_python(content, strict=True)
    except ValidationError:
        return False
    return True


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
