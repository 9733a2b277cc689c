"""A run directory as an object: made exclusively, found again, resumed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.runs import saved, shown
from ganexp.runs.files import DAY, clean, remove_empty, workshop, write_atomically
from ganexp.runs.locks import Held, acquire
from ganexp.runs.records import Summary, find

if TYPE_CHECKING:
    from filelock import FileLock

_LOCK = ".lock"

SUMMARY = "summary.json"
METRICS = "metrics.csv"
ANIMATION, FINAL = "training.gif", "final.png"
LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"

# What a run writes while it holds its lock, and where other programs leave what they made of it.
_FILES = (SUMMARY, METRICS, ANIMATION, FINAL, *(f"checkpoints/{name}" for name in (LAST, PREVIOUS, BEST)))
_FOLDERS = (".hydra", "checkpoints", "samples", "weights")
_OTHERS = ("evaluations", "generated")


class Run:
    """A directory with all that a run leaves.

    ``.hydra/config.yaml`` (the whole configuration), ``.hydra/overrides.yaml``, ``checkpoints/``, ``weights/``, ``samples/``,
    ``metrics.csv``, ``training.gif``, ``final.png``, TensorBoard's events and ``summary.json``. One process at a time trains
    it. Constructing the object touches nothing.

    Arguments:
        path: The directory.

    Attributes:
        trusted: Whether it may build classes that are not part of ganexp: that of a run that this process trained.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = user_path(path).absolute()
        self.trusted = False
        self._held: FileLock | None = None

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Return the run at ``path``, which may also be a file inside it.

        Raises:
            ConfigError: There is no run.
        """
        if not str(path):
            raise ConfigError("a run directory is required", "resume", hint="expected outputs/<name>/<time>-<id>")
        given = user_path(path)
        for candidate in (given, *list(given.absolute().parents)[:2]):
            if (candidate / saved.CONFIG).is_file():
                run = cls(candidate)
                saved.read(run.path)
                return run
        near = sorted(given.parent.glob("[!.]*/.hydra/config.yaml")) if given.parent.is_dir() else []
        raise ConfigError(
            "not a run directory: it has no .hydra/config.yaml" if given.exists() else "no such directory",
            "resume",
            hint=f"did you mean {near[-1].parent.parent}?" if near else "expected outputs/<name>/<time>-<id>",
        )

    def check_new(self) -> None:
        """Refuse, before any work is done, a directory that exists or cannot be made; makes nothing itself.

        Raises:
            ConfigError: It exists, or there is no folder in which it could be made.
        """
        above = next(parent for parent in (self.path, *self.path.parents) if os.path.lexists(parent))
        if above == self.path:
            raise ConfigError(f"the run directory {self.path} exists already", "output_dir")
        if not above.is_dir():
            raise ConfigError(f"no run directory can be made here: {above} is not a folder", "output_dir")
        if not os.access(above, os.W_OK | os.X_OK):
            raise ConfigError(f"no run directory can be made here: {above} cannot be written", "output_dir")

    def create(self, config: dict[str, Any], overrides: list[str]) -> None:
        """Make the directory, which must not exist, with the configuration in it: it appears complete.

        Raises:
            ConfigError: It exists or cannot be written.
        """
        self.check_new()
        clean(self.path.parent, DAY)
        try:
            with workshop(self.path) as made:
                made.mkdir()
                Run(made).save_config(config, overrides)
                made.rename(self.path)  # fails if another run is there
        except OSError as error:
            raise ConfigError(f"the run directory {self.path} cannot be written: {error.strerror}", "output_dir") from error
        self.occupy()

    def discard(self) -> None:
        """Delete a run that never began, and the folders of its name and of all outputs if they are empty."""
        shutil.rmtree(self.path, ignore_errors=True)
        remove_empty(self.path.parent, levels=2)

    @property
    def lock(self) -> Path:
        """The file whose lock the process that trains the run holds."""
        return self.path / _LOCK

    def occupy(self) -> None:
        """Lock the run for this process, until it is released or the process ends; the run has to exist.

        What a process that was killed left incomplete is deleted.

        Raises:
            ConfigError: Another process trains it, the directory cannot be written, or something in it is in the way.
        """
        if self._held is not None:
            return
        try:
            self._held = acquire(self.lock)
        except Held as error:
            raise ConfigError("another process is training this run", "resume", hint="wait for it, or stop it") from error
        except OSError as error:
            raise ConfigError(f"the run directory {self.path} cannot be written: {error.strerror}", "resume") from error
        for name, age in (("", 0), *((name, 0) for name in _FOLDERS), *((name, DAY) for name in _OTHERS)):
            clean(self.path / name, age)
        self._check_places()

    def _check_places(self) -> None:
        """Refuse a folder in the place of a file that the run writes, and a file in that of a folder."""
        folders = [path for name in _FILES if (path := self.path / name).is_dir()]
        files = [path for name in _FOLDERS if os.path.lexists(path := self.path / name) and not path.is_dir()]
        if wrong := [*folders, *files]:
            self.release()
            is_, has = ("folder", "file") if folders else ("file", "folder")
            raise ConfigError(f"{wrong[0]} is a {is_}, but the run has a {has} there", "resume", hint="move it away")

    def release(self) -> None:
        """Unlock the run."""
        if self._held is not None:
            self._held.release()
            self._held = None

    def save_config(self, config: dict[str, Any], overrides: list[str]) -> None:
        """Save the configuration, resolved or not, and the overrides that led to it."""
        (self.path / ".hydra").mkdir(exist_ok=True)
        write_atomically(self.path / ".hydra" / "overrides.yaml", yaml.safe_dump(overrides))
        write_atomically(self.path / saved.CONFIG, saved.dump(config))

    @property
    def exists(self) -> bool:
        """Whether the run has been created."""
        return (self.path / saved.CONFIG).is_file()

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration; the run has to be trusted."""
        return saved.load(self.path)

    @property
    def overrides(self) -> list[str]:
        """The overrides of the commands that made the run; none where the file is missing or damaged."""
        try:
            content = saved.parse(self.path, Path(".hydra", "overrides.yaml"))
        except (OSError, ValueError, TypeError, yaml.YAMLError):
            return []
        return [str(override) for override in content] if isinstance(content, list) else []

    @property
    def checkpoints(self) -> list[Path]:
        """The checkpoints to resume from, newest first; the best one is older, and better than none."""
        folder = self.path / "checkpoints"
        return [path for name in (LAST, PREVIOUS, BEST) if (path := folder / name).is_file()]

    @property
    def summary(self) -> Summary | None:
        """What ``summary.json`` says; None before the run ends, and if the file is damaged.

        Raises:
            ConfigError: It is of another format.
        """
        return find(self.path / SUMMARY, Summary)

    @property
    def metrics(self) -> Any:
        """All curves: a pandas DataFrame where pandas is installed, else a dict of arrays; see :func:`.shown.curves`."""
        return shown.curves(self.path / METRICS)

    @property
    def samples(self) -> list[Path]:
        """The pictures of samples that were drawn while it learnt, in their order; ``final.png`` is the last."""
        drawn = sorted(path for path in (self.path / "samples").glob("*.png") if path.stem.isdecimal())
        return [*drawn, *([self.path / FINAL] if (self.path / FINAL).is_file() else [])]

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """Show its last picture and its numbers in a notebook."""
        return shown.html(self.path, next(reversed(self.samples), None), self.summary)

    def write_summary(self, summary: Summary) -> None:
        """Save ``summary.json``."""
        summary.write(self.path / SUMMARY)


def runs_below(folder: Path) -> Iterator[Path]:
    """Return the run directories from a folder down, in the order of their names; what is hidden is none."""
    for place, names, _ in os.walk(folder):
        if Run(place).exists:
            yield Path(place)
            names.clear()  # what a run holds is its own
        names[:] = sorted(name for name in names if not name.startswith("."))
