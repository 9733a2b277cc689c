"""How long a sweep will take, from the speed of its first run."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from ganexp.comparison.words import duration
from ganexp.config.errors import ConfigError
from ganexp.config.types import seconds
from ganexp.runs.jobs import Job
from ganexp.runs.run import Run
from ganexp.sweeps.launchers import Launcher
from ganexp.sweeps.supervisor import Launch, asked_to_stop, listening, pass_on, start

_WATCHED = 15.0  # seconds of training from which the speed is taken
_BEGIN = 10.0  # seconds until training begins, where nobody watched
_TICK = 0.1  # seconds between two looks at it
_UNKNOWN = "unknown"
_PATIENCE = 300.0  # seconds until training begins; a classifier may have to be trained first


@dataclass(frozen=True)
class Speed:
    """How fast a run is: seconds before it trains, seconds per iteration, and how many iterations it has."""

    begin: float
    iteration: float
    iterations: int


def estimate(
    jobs: Sequence[Job],
    missing: Sequence[Job],
    launch: Launch,
    launcher: Launcher,
    compose: Callable[[Sequence[str]], DictConfig],
    most: int | None = None,
) -> str:
    """Return how long what is missing takes, in words; the first run is tried for some seconds unless one has been finished.

    Others are taken to need as long for an update of a player as the one that was watched.

    Arguments:
        jobs: All jobs.
        missing: Those that are to run.
        launch: How.
        launcher: On what.
        compose: Returns the configuration of a run from its overrides.
        most: How many are at work at a time, whatever the launcher could do.
    """
    if not missing:
        return "nothing is missing"
    watched, speed = _watch(jobs, missing, launch.within(launcher.environment))
    if asked_to_stop():
        return "no estimate: it was stopped"
    if speed is None:
        return "no estimate: no run begins to train"
    whole = _budget(compose(watched.overrides))
    seconds = 0.0
    for job in missing:
        kind, amount = _budget(compose(job.overrides))
        share = amount / whole[1] if kind == whole[0] != _UNKNOWN else 1.0
        done = summary.iteration / summary.total_iterations if (summary := job.run.summary) else 0.0
        seconds += speed.begin + speed.iterations * speed.iteration * share * (1 - done)
    together = min(launcher.n_jobs, len(missing), most or len(missing))
    took = f"{watched.name}: {speed.iteration:.2g} s per iteration, {speed.iterations:,} iterations"
    return f"about {duration(seconds / together)} for {len(missing)}, {together} at a time (from {took})"


def _watch(jobs: Sequence[Job], missing: Sequence[Job], launch: Launch) -> tuple[Job, Speed | None]:
    """Return a run and how fast it is: one that is done, or else the first that begins when it is tried."""
    for job in jobs:
        summary = job.run.summary
        if job.reached == "finished" and summary and summary.iteration:
            return job, Speed(_BEGIN, summary.training_seconds / summary.iteration, summary.total_iterations)
    for job in missing:
        if asked_to_stop():
            break
        if (speed := _try(job, launch)) is not None:
            return job, speed
    return missing[0], None


def _budget(config: DictConfig) -> tuple[str, float]:
    """Return how many updates of players a run makes, up to a factor that is the same for all of a kind."""
    try:
        if config.get("budget") is not None:
            return "time", seconds(config.budget, "budget")
        trainer, schedule = config.trainer, config.schedule
        updates = schedule.d_steps + schedule.g_steps
        if trainer.max_iterations is not None:
            return "iterations", trainer.max_iterations * updates
        return "epochs", trainer.max_epochs * updates / (config.data.batch_size * schedule.d_steps)
    except (
        OmegaConfBaseException,
        ConfigError,
        TypeError,
        ZeroDivisionError,
    ):  # it will be refused, or is of a kind of its own
        return _UNKNOWN, 0.0


def _try(job: Job, launch: Launch) -> Speed | None:
    """Train a run for some seconds, somewhere else; None if it does not begin."""
    with listening(), tempfile.TemporaryDirectory(prefix="ganexp-") as folder:
        run = Run(Path(folder) / "run")
        child = start([*launch.flags, *job.overrides], run.path, launch, subprocess.DEVNULL)
        begin = _wait(child, _PATIENCE, lambda: run.exists)
        watched = _wait(child, _WATCHED)
        if child.poll() is None and not asked_to_stop():
            child.send_signal(signal.SIGTERM)
        sent = 0
        while child.poll() is None:
            sent = pass_on(child, sent)
            time.sleep(_TICK)
        summary = run.summary
        if not (summary and summary.iteration):
            return None
        return Speed(begin, watched / summary.iteration, summary.total_iterations)


def _wait(child: subprocess.Popen[bytes], seconds: float, until: Callable[[], bool] = lambda: False) -> float:
    """Wait until something is so, a process has ended or a stop is asked for, but not for ever; return for how long."""
    began = time.monotonic()
    while child.poll() is None and not until() and not asked_to_stop() and time.monotonic() < began + seconds:
        time.sleep(_TICK)
    return time.monotonic() - began
