"""Which checkpoints a command names."""

import glob
from dataclasses import dataclass
from typing import Literal

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.evaluation.options import Options
from ganexp.runs.run import runs_below


@dataclass(frozen=True)
class Target:
    """A checkpoint to measure: of a path, its last or its best one."""

    path: str
    checkpoint: Literal["last", "best"]

    def __str__(self) -> str:
        return f"{self.path} ({self.checkpoint})" if self.checkpoint == "best" else self.path


def find(options: Options) -> list[Target]:
    """Return the checkpoints that the options name, each once; whether they are good is not yet looked at.

    Raises:
        ConfigError: A pattern or a list names nothing, or a checkpoint is named in two ways.
    """
    given = options.run if isinstance(options.run, list) else [options.run]
    if name := _torn(given):
        raise ConfigError(f"{name} is read as several names", "run", hint=f"quote what has commas: run=\"['{name}',...]\"")
    paths = {path and user_path(path).resolve(): path for pattern in given for path in _paths(pattern)}
    if not paths:
        raise ConfigError("no run is named", "run", hint="name a run directory, or a folder with runs in it")
    files = [path for path in paths.values() if user_path(path).is_file()]
    if files and options.checkpoint != "last":
        raise ConfigError(f"{files[0]} is a checkpoint already", "checkpoint", "run", hint="name its run directory")
    wanted: tuple[Literal["last", "best"], ...] = ("last", "best") if options.checkpoint == "both" else (options.checkpoint,)
    return [Target(path, checkpoint) for path in paths.values() for checkpoint in wanted]


def _torn(names: list[str]) -> str | None:
    """Return a path with commas in it, as sweeps name runs, that a list was taken for several of."""
    ends = ((i, j) for i in range(len(names)) for j in range(i + 2, len(names) + 1) if not user_path(names[i]).exists())
    joined = (",".join(names[i:j]) for i, j in ends)
    return next((name for name in joined if user_path(name).exists()), None)


def _paths(pattern: str) -> list[str]:
    """Return the run directories and checkpoint files that a pattern means, or itself if it means something else."""
    if not pattern or user_path(pattern).exists():  # names of runs may hold brackets
        return _runs(pattern) or [pattern]
    if not glob.has_magic(pattern):
        return [pattern]
    matches = sorted(glob.glob(str(user_path(pattern)), recursive=True))
    found = [path for match in matches for path in ([match] if match.endswith(".ckpt") else _runs(match))]
    if not found:
        raise ConfigError("no run matches", "run", hint=f"it matches {matches[0]}" if matches else None)
    return found


def _runs(path: str) -> list[str]:
    """Return the folder itself if it is a run, else all runs below it."""
    folder = user_path(path)
    if not path or not folder.is_dir():
        return []
    found = list(runs_below(folder))
    return [path] if found == [folder] else list(map(str, found))
