"""Find what ran: run directories and records of jobs below the given paths, each run once.

Contract: what cannot be read of a run never ends a report; it is said in the reason of that run. Run directories and records
belong together by name: ``<sweep>/jobs/<name>.json`` is about ``<sweep>/<name>``.
"""

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ganexp.config.compose import assigned, near_miss, register_resolvers
from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.runs import saved
from ganexp.runs.files import read_inside
from ganexp.runs.locks import is_held
from ganexp.runs.records import JobRecord, Kind, Searched, Summary, SweepRecord, read
from ganexp.runs.run import SUMMARY, Run

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
        summary: Its summary; None before the run ends.
        record: The record of the job; None where there is none.
        status: What became of it, in one word.
        reasons: Why, and what of it cannot be read.
    """

    directory: Path
    config: dict[str, Any] | None = None
    overrides: list[str] = field(default_factory=list)
    summary: Summary | None = None
    record: JobRecord | None = None
    status: str = "unfinished"
    reasons: list[str] = field(default_factory=list)

    @property
    def seed(self) -> Any:
        """The seed; None where nothing says it."""
        typed = assigned(self.overrides).get("seed", "")
        known = int(typed) if typed.isdecimal() else self.summary and self.summary.seed
        return (self.config or {}).get("seed", known)

    @property
    def is_ended(self) -> bool:
        """Whether the run came to its end, be it a bad one, and has numbers of it; one that a signal stopped has not."""
        return self.summary is not None and self.summary.exit_status < 128

    @property
    def is_cut(self) -> bool:
        """Whether an alarm or a pruner ended the run before its budget: its numbers are those of a smaller one."""
        return self.is_ended and self.status in ("stopped", "pruned")

    @property
    def log(self) -> str | None:
        """The last lines of what the job printed."""
        name = Path("jobs", f"{self.directory.name}.log")
        try:
            text = read_inside(self.directory.parent, name, _LOG_BYTES, last=True).decode(errors="replace")
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
        sweeps: The sweeps that they belong to.
    """

    folder: Path
    outcomes: list[Outcome]
    sweeps: list[SweepRecord]

    @property
    def searches(self) -> list[Searched]:
        """What the sweeps among them that are searches looked for."""
        return [sweep.search for sweep in self.sweeps if sweep.search]

    @property
    def on(self) -> Literal["final", "best"]:
        """The state that counts unless another is asked for: that at which a search looked, or else the final one."""
        return self.searches[0].value if self.searches else "final"


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
    outcomes = [_read(path) for path in directories]
    first = {outcome.directory.parent: outcome.reasons for outcome in reversed(outcomes)}
    sweeps = [found_record(folder / "sweep.json", SweepRecord, reasons) for folder, reasons in reversed(first.items())]
    single = len(folders) == 1 and folders[0] not in directories
    above = folders[0] if single else Path(os.path.commonpath([path.parent for path in directories]))
    return Found(above, outcomes, [sweep for sweep in sweeps if sweep])


def _folders(path: str) -> list[Path]:
    """Return the folders that a path or a pattern means."""
    given = user_path(path)
    if not path:
        return []
    if given.is_dir():  # names of runs may hold brackets
        return [given.resolve()]
    if glob.has_magic(path) and not given.exists():
        matches = sorted(glob.glob(str(given), recursive=True), key=_natural)
        if folders := [path for path in (Path(match).resolve() for match in matches) if path.is_dir() and _below(path)]:
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
    return f"{folder} has {', '.join(names[:_SHOWN])}{more}" if names else f"{folder} has no folders in it"


def _below(folder: Path) -> list[Path]:
    """Return all run directories from a folder down, and those that jobs of sweeps would have made."""
    found: dict[Path, None] = {}
    for place, names, _ in os.walk(folder):
        here = Path(place)
        if Run(here).exists:
            found[here] = None
            names.clear()  # what a run holds is its own
        elif (here / "sweep.json").is_file():
            found |= {here / file.stem: None for file in (here / "jobs").glob("[!.]*.json")}
        names[:] = [name for name in names if not name.startswith(".")]  # not complete
    return sorted(found, key=lambda path: _natural(str(path)))


def _natural(text: str) -> list[tuple[int, str]]:
    """Return what sorts ``seed=9`` before ``seed=10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]


def _read(directory: Path) -> Outcome:
    run, outcome = Run(directory), Outcome(directory)
    file = directory.parent / "jobs" / f"{directory.name}.json"
    outcome.record = found_record(file, JobRecord, outcome.reasons)
    if run.exists:
        outcome.config = read_config(directory)
        if outcome.config is None:
            outcome.reasons.append(".hydra/config.yaml is damaged")
    # What was asked for; a run that is resumed may have been given more.
    outcome.overrides = outcome.record.overrides if outcome.record else run.overrides
    outcome.summary = found_record(directory / SUMMARY, Summary, outcome.reasons)
    outcome.status, reason = _status(outcome, file.with_suffix(".lock"))
    outcome.reasons = [*([reason] if reason else []), *outcome.reasons]
    return outcome


def read_config(directory: Path) -> dict[str, Any] | None:
    """Return the resolved configuration of a run, references to what is not in it as text; None if the file is damaged."""
    try:
        return saved.resolve(saved.mute(saved.read(directory)))
    except ConfigError:
        return None


def found_record(file: Path, kind: type[Kind], reasons: list[str]) -> Kind | None:
    """Return the record in a file; None where there is none, and where it cannot be read, which is added to the reasons."""
    try:
        return read(file, kind)
    except FileNotFoundError:
        return None
    except (OSError, ConfigError) as error:
        folder = file.parents[1] if file.parent.name in ("jobs", "evaluations") else file.parent
        reasons.append(str(error).replace(f"{folder}{os.sep}", ""))
        return None


def _status(outcome: Outcome, lock: Path) -> tuple[str, str | None]:
    """Return what became of a run, and why: what its summary says, unless its record knows of something later."""
    record, summary, run = outcome.record, outcome.summary, outcome.directory
    status = record.status if record else "unfinished"
    if status in _OPEN and is_held(lock):
        return status, None
    if is_held(run / ".lock"):
        return "running", None
    known = record and (record.began if status in _OPEN else record.ended)
    if summary and (not known or summary.ended > known):  # both as ISO 8601 in UTC
        return summary.status, summary.reason
    reason = record.reason if record else None
    if status == "running":
        return "killed", reason or "its process is gone"
    if record or outcome.reasons:  # one that is waiting does so for its turn, or for the command to be given again
        return status, reason
    return status, "it ended without a summary"
