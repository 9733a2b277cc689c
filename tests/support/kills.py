"""What a kill before any file operation leaves of a run, and whether the resumed run ends as the one that was never killed."""

import csv
import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from ganexp.runs.checkpoint import load
from support.curves import CLOCK

_OPERATIONS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

# What depends on the clock or on the place.
_TIMES = {"training_seconds", "seconds_per_epoch", "images_per_second", "ended", "directory"}
_TIMED = ("checkpoints/", "metrics.csv", "summary.json", "events.out.", ".lock")


class Snapshots:
    """Copies of a folder as a kill before each file operation would leave it: what a process has not written yet is lost.

    A copy is made only where something has changed since the last one.

    Arguments:
        folder: What is copied.
        copies: Where to.

    Attributes:
        made: The copies, with the operation before which each was made.
        operations: How many there were.
    """

    def __init__(self, folder: Path, copies: Path) -> None:
        self.folder, self.copies, self.made = folder, copies, list[tuple[Path, str]]()
        self.operations = 0
        self._last: Any = None
        self._lock, self._busy = threading.RLock(), False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Copy before an operation on a file in the folder."""
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & _WRITES:
                return
        elif event not in _OPERATIONS:
            return
        path = arguments[0]
        if not isinstance(path, str | os.PathLike) or (os.path.isabs(path) and not Path(path).is_relative_to(self.folder)):
            return
        with self._lock:
            if self._busy:
                return
            self._busy = True
            try:
                self.operations += 1
                self._copy(f"{event} {os.path.relpath(path, self.folder) if os.path.isabs(path) else path}")
            finally:
                self._busy = False

    def _copy(self, operation: str) -> None:
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        state = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        if state != self._last:
            self._last = state
            copy = self.copies / f"{len(self.made):04d}"
            shutil.copytree(self.folder, copy)
            self.made.append((copy, operation))
            self._tear(copy)

    def _tear(self, copy: Path) -> None:
        """Add copies in which what was written last to a file that grows is half written."""
        if len(self.made) < 2:
            return
        before, operation = self.made[-2]
        for file in [*copy.rglob("metrics.csv"), *copy.rglob("events.out.*")]:
            old = before / file.relative_to(copy)
            known = old.stat().st_size if old.exists() else 0
            if known + 1 < file.stat().st_size and (not known or file.read_bytes().startswith(old.read_bytes())):
                torn = copy.with_name(f"{copy.name}-{file.name[:7]}")
                shutil.copytree(copy, torn)
                os.truncate(torn / file.relative_to(copy), (known + file.stat().st_size) // 2)
                self.made.insert(-1, (torn, f"in the middle of a write to {file.name}, before {operation}"))


_watching: Snapshots | None = None
_hooked = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching is not None:
        _watching(event, arguments)


@contextmanager
def snapshots(folder: Path, copies: Path) -> Iterator[Snapshots]:
    """Copy a folder before each file operation in it."""
    global _watching, _hooked
    if not _hooked:  # it stays as long as the process
        sys.addaudithook(_hook)
        _hooked = True
    folder.mkdir(parents=True, exist_ok=True)
    _watching = Snapshots(folder, copies)
    try:
        yield _watching
    finally:
        _watching = None


def differences(whole: Path, other: Path) -> list[str]:
    """Return in what a run differs from another one, but for times and the names of TensorBoard's files."""
    found = []
    contents = [_contents(path) for path in (whole, other)]
    for name in sorted(contents[0].keys() | contents[1].keys()):
        first, second = (content.get(name) for content in contents)
        if first != second:
            how = "is missing" if second is None else "is too much" if first is None else f"differs: {_shorten(first, second)}"
            found.append(f"{name} {how}")
    return found


def _shorten(first: Any, second: Any) -> str:
    if isinstance(first, dict) and isinstance(second, dict):
        changed = [key for key in first.keys() | second.keys() if first.get(key) != second.get(key)]
        return ", ".join(f"{key} {first.get(key)} {second.get(key)}" for key in changed)[:300]
    return f"{first} {second}"[:300]


def _contents(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(run.rglob("*")):
        name = str(path.relative_to(run))
        if path.is_dir():
            found |= {name: "a folder"} if path.name.startswith(".ganexp") else {}
        elif not name.startswith(_TIMED):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif name.startswith("checkpoints/"):
            found[name] = _state(path)
    with open(run / "metrics.csv", newline="") as file:
        found["metrics.csv"] = [{tag: cell for tag, cell in row.items() if tag not in CLOCK} for row in csv.DictReader(file)]
    summary = json.loads((run / "summary.json").read_text())
    found["summary.json"] = {key: value for key, value in summary.items() if key not in _TIMES}
    return found | {"TensorBoard": shown(run)}


def _state(path: Path) -> dict[str, Any]:
    """Return a checkpoint's content by key, without times."""
    flat: dict[str, Any] = {}
    _flatten(load(path).content, "", flat)
    return {key: value for key, value in flat.items() if not key.endswith(("/seconds", *CLOCK))}


def _flatten(content: Any, key: str, into: dict[str, Any]) -> None:
    if isinstance(content, dict):
        for name, value in content.items():
            _flatten(value, f"{key}/{name}", into)
    elif isinstance(content, list | tuple):
        for number, value in enumerate(content):
            _flatten(value, f"{key}/{number}", into)
    elif isinstance(content, torch.Tensor):
        into[key] = hashlib.sha256(content.contiguous().view(-1).numpy().tobytes()).hexdigest()
    else:
        into[key] = content


def shown(run: Path) -> dict[str, Any]:
    """Return what TensorBoard's server shows of a run: for each tag the steps, with what is shown there."""
    everything = {"scalars": 0, "images": 0, "text": 0}
    events = EventAccumulator(str(run), tensor_size_guidance=everything).Reload()
    return {
        tag: [(event.step, _digest(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
        if tag not in CLOCK
    } | {"summaries": sorted(events.summary_metadata)}


def _digest(tensor: Any) -> str:
    return hashlib.sha256(tensor.SerializeToString()).hexdigest()[:12]
