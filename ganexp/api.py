"""The Python interface: what the command line does, with its objects, as functions.

Arguments are those of the command line: overrides as text, such as ``"loss=hinge"``, or options by name, ``seed=1``. What
cannot run raises :class:`ganexp.ConfigError` with the command line's message, and leaves nothing behind.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import DictConfig

from ganexp.command import execute
from ganexp.comparison.program import Options as CompareOptions
from ganexp.comparison.program import Report, report
from ganexp.config import described
from ganexp.config.classes import trusted
from ganexp.config.options import make
from ganexp.config.refusals import stating
from ganexp.evaluation.options import Options as EvaluateOptions
from ganexp.evaluation.program import Evaluations
from ganexp.evaluation.program import evaluate as measure
from ganexp.runs.jobs import Job, known_jobs
from ganexp.runs.run import Run
from ganexp.sampling.options import Options as SampleOptions
from ganexp.sampling.program import write
from ganexp.training.job import Ended, report_briefly, work

if TYPE_CHECKING:
    from ganexp.sampling.model import TrainedModel

Where = str | os.PathLike[str] | Run


def train(*overrides: str, config_dir: str | Path | None = None, **options: Any) -> Run:
    """Train a model, and return its run.

    ``train("model=cgan", "data=digits", seed=1)`` is ``python -m ganexp model=cgan data=digits seed=1``. A mapping stands for
    options below a name: ``trainer={"max_iterations": 100}``. In the place of a choice, an object, a class or a
    :func:`functools.partial` of your own may stand: ``loss=MyLoss(2.0)``, ``metrics={"mine": MyMetric()}``. The run builds its
    own from the class and the constructor's arguments, so the class has to be importable to use the run elsewhere.

    Arguments:
        overrides: Overrides, as on the command line.
        config_dir: A folder with YAML files of your own, as ``--config-dir``.
        options: The same by name.

    Returns:
        The run, also where it diverged or was stopped by an alarm: ``run.summary.status`` says so.

    Raises:
        ConfigError: It cannot run; nothing is left behind.
        KeyboardInterrupt: It was interrupted, and has saved: :func:`resume` continues it.
    """
    return _train(_overrides(overrides, options), config_dir)


def resume(run: Where, *overrides: str, config_dir: str | Path | None = None, **options: Any) -> Run:
    """Continue a run that was stopped, or a finished one with a larger budget, as ``ganexp resume RUN``; return it.

    Arguments:
        run: The run, or its directory.
        overrides: Options that change, as on the command line.
        config_dir: The folder with YAML files of your own by which it was made; all that it names is then trusted.
        options: The same by name.

    Raises:
        ConfigError: It cannot be continued like this; it stays as it was.
        KeyboardInterrupt: It was interrupted, and has saved.
    """
    return _train([f"resume={os.fspath(run)}", *_trust(run), *_overrides(overrides, options)], config_dir)


def repeat(run: Where, *overrides: str, config_dir: str | Path | None = None, **options: Any) -> Run:
    """Make another run of a run's configuration, in a folder of its own, as ``ganexp repeat RUN``; return it.

    Without changes it is the same run bit for bit, on the same machine with the same versions.

    Arguments:
        run: The run, or its directory.
        overrides: Options that differ, as on the command line, such as ``"seed=1"``.
        config_dir: As for :func:`resume`.
        options: The same by name.

    Raises:
        ConfigError: It cannot be repeated like this; nothing is left behind.
    """
    return _train([f"repeat={os.fspath(run)}", *_trust(run), *_overrides(overrides, options)], config_dir)


@dataclass(frozen=True)
class Sweep:
    """A sweep that has ended, or was stopped.

    Attributes:
        folder: Its folder.
        complete: Whether all its runs are finished; the same call again does what is missing.
    """

    folder: Path
    complete: bool

    @property
    def jobs(self) -> list[Job]:
        """All its jobs, also those that were refused: ``job.state``, ``job.overrides``, ``job.record``, ``job.run``."""
        return known_jobs(self.folder)

    @property
    def runs(self) -> list[Run]:
        """The runs that have begun."""
        return [job.run for job in self.jobs if job.run.exists]

    def compare(self, **options: Any) -> Report:
        """Rank them: see :func:`compare`."""
        return compare(self.folder, **options)

    def _repr_html_(self) -> str:
        return self.compare()._repr_html_() if self.runs else f"<pre>{self.folder}</pre>"


def sweep(*overrides: str, config_dir: str | Path | None = None, **options: Any) -> Sweep:
    """Train every combination of what varies, each in a process of its own; the same call again runs what is missing.

    ``sweep("data=digits", loss=["hinge", "r3gan"], seed=range(3))`` is ``python -m ganexp -m data=digits loss=hinge,r3gan
    seed=0,1,2``. With ``search=``, it is a search.

    Arguments:
        overrides: Overrides, as on the command line, where ``a,b`` are two values to try.
        config_dir: A folder with YAML files of your own, as ``--config-dir``.
        options: The same by name; a list is several values to try.

    Raises:
        ConfigError: It cannot run.
        KeyboardInterrupt: It was interrupted; its runs have saved.
    """
    ended: list[tuple[Path, int]] = []
    arguments = ["-m", *_overrides(overrides, options, sweeps=True)]
    _execute(arguments, config_dir, lambda cfg, run: None, lambda folder, status: ended.append((folder, status)))
    ((folder, status),) = ended
    _check_stopped(status)
    return Sweep(folder, status == 0)


def load(
    run: Where,
    checkpoint: Literal["last", "best"] = "last",
    ema: bool = True,
    accelerator: Literal["auto", "cpu", "gpu"] = "auto",
    data: Mapping[str, Any] | None = None,
    trust: bool | str | Iterable[str] = False,
    config_dir: str | Path | None = None,
) -> "TrainedModel":
    """Return the trained model of a run, which may still be training.

    Arguments:
        run: The run, its directory, or a checkpoint file in it.
        checkpoint: Which one of a directory: the newest, or that of the best measurement.
        ema: Whether to use the averaged generator if there is one.
        accelerator: auto, cpu or gpu; auto takes a GPU if there is one.
        data: Options of the data that differ from the run's, such as where its files are on this machine.
        trust: Whether it may build classes that are not part of ganexp: true, or modules such as ["mine"].
        config_dir: The folder with YAML files of your own: the classes that they name are trusted.

    Raises:
        ConfigError: There is no run, or no checkpoint that can be used; or it asks for more than is trusted.
    """
    from ganexp.sampling.model import TrainedModel
    from ganexp.training.restore import restore

    trust = _trusted([run]) or trusted(trust, None if config_dir is None else str(config_dir))
    restored = restore(os.fspath(run), data, checkpoint, trust)
    if not ema:
        restored.model.average = None
    return TrainedModel(restored, accelerator)


def sample(run: Where, **options: Any) -> Path:
    """Write what ``python -m ganexp.sample`` writes, and return where it is; :func:`load` gives tensors instead.

    Arguments:
        run: The run, its directory, or a checkpoint file in it.
        options: Those of the command, such as ``n=100``, ``classes=["3", "7"]``, ``format="npz"``, ``export="onnx"``.

    Raises:
        ConfigError: They do not fit together or the run, or the output cannot be written.
    """
    given = _given(options, run=os.fspath(run), trust=_trusted([run]))
    return stating(lambda: write(make(SampleOptions, given)), _overrides((), given))


def evaluate(run: Where | Sequence[Where], **options: Any) -> Evaluations:
    """Measure trained runs, all in the same way, as ``python -m ganexp.evaluate``; what was measured before is found again.

    Arguments:
        run: A run, a run directory or a checkpoint file; a folder, for all runs below it; or a list of those.
        options: Those of the command, such as ``metrics="images"``, ``samples=50000``, ``checkpoint="both"``.

    Returns:
        The measurements, each with its ``run``, ``checkpoint`` and ``metrics`` by name; ``print`` shows the table.

    Raises:
        ConfigError: Nothing that is asked for can be measured.
    """
    several = [run] if isinstance(run, str | os.PathLike | Run) else list(run)
    paths = [os.fspath(one) for one in several]
    given = _given(options, run=paths[0] if len(paths) == 1 else paths, trust=_trusted(several))
    return stating(lambda: measure(make(EvaluateOptions, given)), _overrides((), given))


def compare(*paths: Where, **options: Any) -> Report:
    """Rank runs over their seeds and write the page and the table, as ``python -m ganexp.compare``.

    Arguments:
        paths: Runs, folders of runs at any depth, or patterns.
        options: Those of the command, such as ``by="recall"``, ``output="report.html"``.

    Raises:
        ConfigError: There is nothing to compare, or the report cannot be written.
    """
    given = _given(options, paths=[os.fspath(path) for path in paths])
    return stating(lambda: report(make(CompareOptions, given)), _overrides((), given))


def _overrides(given: Iterable[str], options: Mapping[str, Any], sweeps: bool = False) -> list[str]:
    made: list[str] = stating(lambda: described.overrides(given, options, sweeps), ())
    return made


def _train(arguments: Sequence[str], config_dir: str | Path | None) -> Run:
    ended: list[Ended | Exception] = []

    def task(cfg: DictConfig, run: Run | None) -> None:
        try:
            ended.append(work(cfg, run))
        except Exception as error:  # Hydra would print that there was one
            ended.append(error)

    _execute(arguments, config_dir, task)
    (made,) = ended
    if isinstance(made, Exception):
        raise made
    _check_stopped(made.summary.exit_status if made.summary else 0)
    made.run.trusted = True
    return made.run


def _execute(
    arguments: Sequence[str],
    config_dir: str | Path | None,
    task: Callable[[DictConfig, Run | None], Any],
    swept: Callable[[Path, int], None] | None = None,
) -> None:
    """Do what arguments ask for, as a guest in this process.

    Raises:
        ConfigError: They cannot run; the message is the command line's.
    """
    from ganexp.training.isolated import isolated

    given = [*(["--config-dir", str(config_dir)] if config_dir is not None else []), *arguments]
    with isolated():
        report_briefly()
        stating(lambda: execute(given, task, swept), given)


def _check_stopped(status: int) -> None:
    """End what called, too, where a signal has stopped the work."""
    if status == 128 + signal.SIGINT:
        raise KeyboardInterrupt
    if status > 128:
        sys.exit(status)


def _trust(run: Where) -> list[str]:
    return ["trust=true"] if _trusted([run]) else []


def _trusted(runs: Sequence[Where]) -> bool:
    return all(isinstance(run, Run) and run.trusted for run in runs)


def _given(options: Mapping[str, Any], **known: Any) -> dict[str, Any]:
    """Return options of a program as it reads them, with those that are known unless they are given."""
    listed = {key: list(value) if isinstance(value, tuple | range) else value for key, value in options.items()}
    return known | {key: str(value) if isinstance(value, Path) else value for key, value in listed.items()}
