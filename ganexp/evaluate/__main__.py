"""Measure trained runs after the fact: ``python -m ganexp.evaluate run=outputs/<name>/<time>-<id> metrics=full``.

Contract: all runs of one command are measured in the same way, as far as their data allow; what cannot be measured is refused
before anything is, and one bad run does not keep the others from being measured. Exit status: 0 done, 1 some runs were bad, 2
refused. Imports nothing heavy before the options are known to be good in themselves.
"""

import glob
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ganexp.config.compose import compose_option
from ganexp.config.errors import ConfigError
from ganexp.config.options import command
from ganexp.config.types import PositiveInt, Seed

# The runs' own choice, in place of an option of a group.
_OWN = (None, "run")


@dataclass(frozen=True)
class Options:
    """Measure trained runs, all in the same way, and show beside them what real samples score.

    Each measurement is kept in the folder evaluations of its run, with the protocol by which it was made.

    Arguments:
        run: A run directory or a checkpoint file in it; a folder, for all runs below it; a pattern such as outputs/*/2026-*; or
            a list of those.
        checkpoint: last: the newest good one of each run; best: that of its best measurement; both: one after the other.
        metrics: full: all that can judge the data; or another option of conf/metrics; run: those that the run was trained with.
        extractor: What sees features in images: classifier, inception, or another option of conf/extractor; run: that of the
            run.
        extractor_options: Options of it, one by one: extractor_options.weights=/path says where those of inception are.
        samples: How many samples are generated.
        seed: Seed of the latents and labels, by default another one than that by which the best checkpoint was chosen. They are
            drawn on the CPU, so that it means the same on every machine.
        ema: Whether to use the averaged generator if the run has one; false: the generator as it trains.
        overwrite: Whether to measure again what has been measured in the same way before.
        batch_size: Samples that are generated at a time.
        accelerator: auto, cpu or gpu; auto takes a GPU if there is one.
        data: Options of the data that differ from the run's, one by one: data.root=/path says where its files are here.
    """

    run: str | list[str]
    checkpoint: Literal["last", "best", "both"] = "last"
    metrics: str | None = "full"
    extractor: str | None = "run"
    extractor_options: dict[str, Any] = field(default_factory=dict)
    samples: PositiveInt = 10_000
    seed: Seed = 2
    ema: bool = True
    overwrite: bool = False
    batch_size: PositiveInt = 500
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A checkpoint to measure: of a path, its last or its best one."""

    path: str
    checkpoint: Literal["last", "best"]

    def __str__(self) -> str:
        return f"{self.path} ({self.checkpoint})" if self.checkpoint == "best" else self.path


def main() -> None:
    """Run the command line and exit."""
    bad = 0

    def work(options: Options) -> None:
        nonlocal bad
        bad = evaluate(options)

    status = command("python -m ganexp.evaluate", Options, work)
    sys.exit(status or min(bad, 1))


def evaluate(options: Options) -> int:
    """Measure what the options name, print it as a table, and return how many of the checkpoints were bad.

    Raises:
        ConfigError: Nothing that is asked for can be measured.
    """
    targets = find(options)
    metrics = None if options.metrics in _OWN else compose_option("metrics", options.metrics)
    extractor = None if options.extractor in _OWN else compose_option("extractor", options.extractor)
    from ganexp.evaluate.records import Bench  # imports Lightning: 5 s
    from ganexp.evaluate.table import table

    bench = Bench(options, metrics, extractor)
    refused: dict[Target, ConfigError] = {}
    jobs = bench.plan(targets, refused)
    if not jobs:
        raise _refusal(refused)
    for target, error in refused.items():
        keys = "".join(f"{key}: " for key in error.keys if key != "run")
        _tell(f"{target}: {keys}{error}")
    bad, rows = len(refused), []
    for index, job in enumerate(jobs, 1):
        if len(jobs) > 1:
            _tell(f"measuring {job.target}, {index} of {len(jobs)}")
        try:
            rows.append(bench.measure(job))
        except Exception as error:
            if len(targets) == 1:
                raise
            # The others are still worth their numbers.
            _tell(f"{job.target}: failed: {type(error).__name__}: {error}")
            bad += 1
    if rows:
        print(table(rows), flush=True)
    return bad


def find(options: Options) -> list[Target]:
    """Return the checkpoints that the options name, each once; whether they are good is not yet looked at.

    Raises:
        ConfigError: A pattern or a list names nothing, or a checkpoint is named in two ways.
    """
    given = options.run if isinstance(options.run, list) else [options.run]
    if name := _torn(given):
        raise ConfigError(f"{name} is taken for several names", "run", hint=f"quote what has commas: run=\"['{name}',...]\"")
    paths = {path and Path(path).expanduser().resolve(): path for pattern in given for path in _paths(pattern)}
    if not paths:
        raise ConfigError("no run is named", "run", hint="name a run directory, or a folder with runs in it")
    files = [path for path in paths.values() if Path(path).expanduser().is_file()]
    if files and options.checkpoint != "last":
        raise ConfigError(f"{files[0]} is a checkpoint already", "checkpoint", "run", hint="name its run directory")
    wanted: tuple[Literal["last", "best"], ...] = ("last", "best") if options.checkpoint == "both" else (options.checkpoint,)
    return [Target(path, checkpoint) for path in paths.values() for checkpoint in wanted]


def _torn(names: list[str]) -> str | None:
    """Return a path with commas in it, as sweeps name runs, that a list was taken for several of."""
    ends = ((i, j) for i in range(len(names)) for j in range(i + 2, len(names) + 1) if not Path(names[i]).expanduser().exists())
    joined = (",".join(names[i:j]) for i, j in ends)
    return next((name for name in joined if Path(name).expanduser().exists()), None)


def _paths(pattern: str) -> list[str]:
    """Return the run directories and checkpoint files that a pattern means, or itself if it means something else."""
    if not pattern or Path(pattern).expanduser().exists():  # names of runs may hold brackets
        return _runs(pattern) or [pattern]
    if not glob.has_magic(pattern):
        return [pattern]
    matches = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))
    found = [path for match in matches for path in ([match] if match.endswith(".ckpt") else _runs(match))]
    if not found:
        raise ConfigError("no run matches", "run", hint=f"it matches {matches[0]}" if matches else None)
    return found


def _runs(path: str) -> list[str]:
    """Return the folder itself if it is a run, else all runs below it."""
    folder = Path(path).expanduser()
    if not path or not folder.is_dir():
        return []
    if (folder / ".hydra" / "config.yaml").is_file():
        return [path]
    return [str(file.parent.parent) for file in sorted(folder.rglob(".hydra/config.yaml"))]


def _refusal(refused: dict[Target, ConfigError]) -> ConfigError:
    """Return one refusal for all."""
    (target, error), *others = refused.items()
    if not others:
        return error
    message = f"{target}: {error.message}; none of the {len(refused)} can be measured"
    return ConfigError(message, *error.keys, hint=error.hint)


def _tell(text: str) -> None:
    print(f"ganexp: {' '.join(text.split())}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
