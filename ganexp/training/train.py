"""Train the objects of an experiment in a run directory."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from importlib.util import find_spec
from typing import Any

import torch

from ganexp.config.classes import TRUST, Trust
from ganexp.config.errors import ConfigError
from ganexp.config.keys import computes
from ganexp.runs.checkpoint import go_back
from ganexp.runs.records import Summary
from ganexp.runs.run import Run
from ganexp.runs.saved import mute, resolve
from ganexp.training.callbacks.stop import SIGNALS
from ganexp.training.experiment import Experiment, assemble
from ganexp.training.health import Diverged, RollBack
from ganexp.training.reports import close, show_config, show_result
from ganexp.training.state import Ending
from ganexp.training.summary import summarise

_AXES = ("model", "network", "loss", "penalty", "optimizer", "lr_schedule", "data")


def train(experiment: Experiment, overrides: list[str], source: dict[str, Any] | None = None) -> Summary:
    """Train until the budget is spent, a signal comes, or the run is not healthy; return its summary.

    A run that has spent its budget is left as it is.

    Arguments:
        experiment: What to train.
        overrides: The command line's overrides, saved with the run.
        source: The configuration before it was resolved, saved with the run: an option that others follow can then be set when
            the run is resumed. By default the resolved one.

    Raises:
        ConfigError: The run directory cannot be made, or another process trains the run.
    """
    run, trainer = experiment.run, experiment.trainer
    source = deepcopy(source or experiment.config)
    if new := not run.exists:
        run.create(source, overrides)
    elif trainer.is_global_zero:
        run.occupy()
    try:
        if not new and trainer.is_global_zero:
            if summary := finished(experiment):
                return summary
            before = run.overrides
            if overrides:
                run.save_config(source, before if before[-len(overrides) :] == overrides else [*before, *overrides])
        return _train(experiment, source)
    except Exception as error:
        for logger in trainer.loggers:  # where one of them has failed, Lightning leaves the others open
            with suppress(Exception):
                logger.finalize("failed")
                close(logger, 1)
        if new and isinstance(error, ConfigError) and trainer.is_global_zero and not (run.path / "checkpoints").exists():
            run.discard()  # found in the first iterations
        raise
    finally:
        run.release()


def finished(experiment: Experiment) -> Summary | None:
    """Return the summary of a run that has spent its budget and is complete on the disk; None where something is to be done."""
    run, start = experiment.run, experiment.start
    summary = run.summary if run.exists and start else None
    if summary is None or summary.status != "finished" or summary.iteration != start:
        return None
    budgets = [_budget(config) for config in (experiment.config, run.config)]
    return summary if start == experiment.model.total_iterations or budgets[0] == budgets[1] else None


def _budget(config: dict[str, Any]) -> list[Any]:
    return [config["trainer"].get(key) for key in ("max_epochs", "max_iterations", "max_time")]


def _train(experiment: Experiment, source: dict[str, Any]) -> Summary:
    run = experiment.run
    if experiment.start == 0 and experiment.trainer.is_global_zero:
        for logger in experiment.trainer.loggers:
            show_config(logger, resolve(mute(source)))  # shows no variable of the environment
    while (rollback := _fit(experiment)) and (returned := _go_back(experiment, rollback, source)):
        experiment = returned
    trainer = experiment.trainer
    if experiment.state.received and threading.current_thread() is threading.main_thread():
        # The process is ending: a further Ctrl-C kills it, as while it trained, and is no failure of what is left to do.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    summary = summarise(experiment)
    if trainer.is_global_zero:
        for logger in trainer.loggers:
            if summary.status != "stopped":
                show_result(logger, _columns(experiment.config, run.overrides), summary)
            close(logger, summary.exit_status)
        run.write_summary(summary)  # last: it says that the run is complete
    return summary


def _fit(experiment: Experiment) -> RollBack | None:
    """Train to the end, or until the run goes back."""
    try:
        with _ranks_resume(experiment.run):
            experiment.trainer.fit(experiment.model, datamodule=experiment.data, ckpt_path=experiment.checkpoint)
    except Diverged as failure:
        experiment.state.ending = Ending("diverged", str(failure), 1)
    except RollBack as rollback:
        return rollback
    return None


def _go_back(experiment: Experiment, rollback: RollBack, source: dict[str, Any]) -> Experiment | None:
    """Assemble the experiment anew from a checkpoint from before the trouble, with lower learning rates, which the run keeps.

    Arguments:
        experiment: What ended badly.
        rollback: From where it continues, and how.
        source: The configuration before it was resolved; it is given the new rates.

    Returns:
        None in all processes but the first: that one will start others.
    """
    run = experiment.run
    if rollback.checkpoint is None:
        return None
    for logger in experiment.trainer.loggers:
        close(logger, 0)
    go_back(run, rollback.checkpoint, rollback.callback, rollback.state)
    config = deepcopy(experiment.config)
    for player, optimizer in zip(("d_optimizer", "g_optimizer"), experiment.trainer.optimizers, strict=True):
        config[player]["lr"] = source[player]["lr"] = optimizer.defaults["lr"] * rollback.lr_factor
    run.save_config(source, run.overrides)
    return assemble(config, run)


def _columns(config: dict[str, Any], overrides: list[str]) -> dict[str, Any]:
    """Return the run's row in TensorBoard's table of runs: choices, seed, and the overrides that change what is computed."""
    axes = {group: choice for group, choice in config["choices"].items() if group in _AXES}
    values = (override.lstrip("+").partition("=") for override in overrides)
    return axes | {"seed": config["seed"]} | {key: _number(value) for key, _, value in values if computes(key)}


def _number(text: str) -> float | str:
    """Return a number where a text is one: TensorBoard sorts and scales it as such."""
    try:
        return float(text)
    except ValueError:
        return text


@contextmanager
def _ranks_resume(run: Run) -> Iterator[None]:
    """Let Lightning start its other processes with a command that names nothing but the run directory, and leave no trace.

    It starts them as this process was started, which would begin a run, a whole sweep or a user's script anew; and it leaves
    variables and a process group behind, by which the next run of a sweep would take itself for one of those processes. The
    signals that it and :class:`StopOnSignal` took are given back.
    """
    arguments, environment = sys.argv, dict(os.environ)
    program, module = sys.modules["__main__"], sys.modules["__main__"].__spec__
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    sys.argv, program.__spec__ = [arguments[0], f"resume={run.path}"], find_spec("ganexp.__main__")
    os.environ[TRUST] = Trust(everything=True).text  # what this run may build has been looked at
    try:
        yield
    finally:
        sys.argv, program.__spec__ = arguments, module
        os.environ.clear()
        os.environ.update(environment)
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler or signal.SIG_DFL)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
