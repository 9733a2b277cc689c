"""Find what ran: run directories and records of jobs below the given paths, each run once.

Contract: what cannot be read of a run never ends a report; it is said in the reason of that run. Run directories and records
belong together by name: ``<sweep>/jobs/<name>.json`` is about ``<sweep>/<name>``.
"""

import glob
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ganexp.compare import configurations
from ganexp.compare.schema import Record, Summary, Sweep, is_whole
from ganexp.config.compose import near_miss, register_resolvers
from ganexp.config.errors import ConfigError
from ganexp.runs.locks import is_held
from ganexp.runs.run import Run

_SHOWN = 6  # names in a hint
_LOG_LINES = 30
_LOG_BYTES = 16_384

# What a record says as long as somebody works on the job.
_OPEN = ("waiting", "running")
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Outcome:
    """What became of a run.

    Attributes:
        directory: The run directory; one that is missing is that of a job that left none.
        config: The resolved configuration; None if there is none.
        overrides: Those of the command that made it.
        summary: The content of summary.json; empty before the run ends.
        record: The record of the job; empty where there is none.
        status: What became of it, in one word.
        reasons: Why, and what of it cannot be read.
    """

    directory: Path
    config: dict[str, Any] | None = None
    overrides: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    status: str = "unfinished"
    reasons: list[str] = field(default_factory=list)

    @property
    def seed(self) -> Any:
        """The seed; None where nothing says it."""
        values = [value for key, _, value in (text.partition("=") for text in self.overrides) if key == "seed"]
        typed = int(values[-1]) if values and values[-1].isdecimal() else None
        return (self.config or self.summary).get("seed", typed)

    @property
    def is_ended(self) -> bool:
        """Whether the run came to its end, be it a bad one, and has numbers of it; one that a signal stopped has not."""
        return bool(self.summary) and self.summary.get("exit_status", 0) < 128

    @property
    def is_cut(self) -> bool:
        """Whether an alarm or a pruner ended the run before its budget: its numbers are those of a smaller one."""
        return self.is_ended and self.status in ("stopped", "pruned")

    @property
    def log(self) -> str | None:
        """The last lines of what the job printed."""
        file = self.directory.parent / "jobs" / f"{self.directory.name}.log"
        try:
            with open(file, "rb") as stream:
                stream.seek(max(0, file.stat().st_size - _LOG_BYTES))
                text = stream.read().decode(errors="replace")
        except OSError:
            return None
        # Of a line that was written over and over, as progress bars are, what stood there last.
        lines = [_CODES.sub("", line).rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
        return "\n".join([line for line in lines if line][-_LOG_LINES:]) or None


@dataclass(frozen=True)
class Found:
    """What is below some paths.

    Attributes:
        folder: The folder that holds it all.
        outcomes: The runs, in the order of the paths and their names.
        sweeps: What sweep.json says of each sweep that they belong to.
    """

    folder: Path
    outcomes: list[Outcome]
    sweeps: list[dict[str, Any]]

    @property
    def searches(self) -> list[dict[str, Any]]:
        """What the sweeps among them that are searches looked for."""
        return [sweep["search"] for sweep in self.sweeps if sweep.get("search")]

    @property
    def on(self) -> str:
        """The state that counts unless another is asked for: that at which a search looked, or else the final one."""
        return next((search["value"] for search in self.searches if search.get("value") in ("final", "best")), "final")


def collect(paths: Sequence[str]) -> Found:
    """Read all runs that the paths mean.

    Arguments:
        paths: Run directories, folders of runs at any depth, patterns.

    Raises:
        ConfigError: A path does not exist or holds no runs.
    """
    directories: dict[Path, None] = {}
    folders = [folder for path in paths for folder in _folders(path)]
    for folder in folders:
        if not (found := _below(folder)):
            raise ConfigError(f"there is no run in {folder}", "paths", hint=_listing(folder))
        directories |= dict.fromkeys(found)
    if not directories:
        raise ConfigError("no run is named", "paths", hint="name a run directory, or a folder with runs in it")
    register_resolvers()
    sweeps = [
        read(file, Sweep) or {}
        for folder in {path.parent: None for path in directories}
        if (file := folder / "sweep.json").is_file()
    ]
    single = len(folders) == 1 and folders[0] not in directories
    above = folders[0] if single else Path(os.path.commonpath([path.parent for path in directories]))
    return Found(above, [_read(path) for path in directories], sweeps)


def _folders(path: str) -> list[Path]:
    """Return the folders that a path or a pattern means."""
    given = Path(path).expanduser()
    if not path:
        return []
    if given.is_dir():  # names of runs may hold brackets
        return [given.resolve()]
    if glob.has_magic(path) and not given.exists():
        matches = sorted(glob.glob(str(given), recursive=True), key=_natural)
        if folders := [Path(match).resolve() for match in matches if os.path.isdir(match) and _below(Path(match).resolve())]:
            return folders
        raise ConfigError(f"no run matches {path}", "paths", hint=f"it matches {matches[0]}" if matches else None)
    if given.is_file():
        raise ConfigError(f"{path} is a file", "paths", hint="name a run directory, or a folder with runs in it")
    above = next(parent for parent in given.absolute().parents if parent.is_dir())
    raise ConfigError(f"there is no folder {path!r}", "paths", hint=_listing(above, given.name))


def _listing(folder: Path, name: str = "") -> str | None:
    """Say what is in a folder, or which of it a name was meant to be."""
    names = sorted((entry.name for entry in folder.iterdir() if entry.is_dir()), key=_natural)
    if meant := near_miss(name, names):
        return f"did you mean {folder / meant}?"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"in {folder} there is: {', '.join(names[:_SHOWN])}{more}" if names else f"{folder} has no folders in it"


def _below(folder: Path) -> list[Path]:
    """Return all run directories from a folder down, and those that jobs of sweeps would have made."""
    found: dict[Path, None] = {}
    for place, names, _ in os.walk(folder):
        here = Path(place)
        if Run(here).exists:
            found[here] = None
            names.clear()  # what a run holds is its own
        elif (here / "sweep.json").is_file():
            found |= {here / file.stem: None for file in (here / "jobs").glob("*.json")}
    return sorted(found, key=lambda path: _natural(str(path)))


def _natural(text: str) -> list[tuple[int, str]]:
    """Return what sorts ``seed=9`` before ``seed=10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]


def _read(directory: Path) -> Outcome:
    run, outcome = Run(directory), Outcome(directory)
    file = directory.parent / "jobs" / f"{directory.name}.json"
    if file.is_file():
        outcome.record = read(file, Record) or {}
        if not outcome.record:
            outcome.reasons.append(f"jobs/{file.name} is damaged")
    if run.exists:
        outcome.config = configurations.read(directory / ".hydra" / "config.yaml")
        if outcome.config is None:
            outcome.reasons.append(".hydra/config.yaml is damaged")
        outcome.overrides = run.overrides
    # What was asked for; a run that is resumed may have been given more.
    outcome.overrides = [str(override) for override in outcome.record.get("overrides") or outcome.overrides]
    if (directory / "summary.json").is_file():
        outcome.summary = read(directory / "summary.json", Summary) or {}
        if not outcome.summary:
            outcome.reasons.append("summary.json is damaged")
    outcome.status, reason = _status(outcome, file.with_suffix(".lock"))
    outcome.reasons = [*([reason] if reason else []), *outcome.reasons]
    return outcome


def read(file: Path, kind: type) -> dict[str, Any] | None:
    """Return the content of a JSON file of a kind of :mod:`ganexp.compare.schema`; None if it is damaged."""
    try:
        content: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return content if is_whole(content, kind) else None


def _status(outcome: Outcome, lock: Path) -> tuple[str, str | None]:
    """Return what became of a run, and why: what its summary says, unless its record knows of something later."""
    record, summary, run = outcome.record, outcome.summary, outcome.directory
    status = record.get("status", "unfinished")
    if status in _OPEN and is_held(lock):
        return status, None
    if is_held(run / ".lock"):
        return "running", None
    known = _time(record.get("began" if status in _OPEN else "ended"))
    if summary and (not record or known is None or (_time(summary.get("ended")) or known) > known):
        return str(summary["status"]), summary.get("reason")
    if status == "running":
        return "killed", record.get("reason") or "its process is gone"
    if status == "waiting":  # for its turn, or for the command to be given again
        return status, record.get("reason")
    if not record and not outcome.reasons:
        return status, "it ended without a summary"
    return status, record.get("reason")


def _time(text: Any) -> datetime | None:
    """Return the moment that a text says; None if it says none."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except (AttributeError, ValueError):
        return None
