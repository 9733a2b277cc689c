"""Train the objects of an experiment in a run directory."""

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer, seed_everything

from ganexp.config.build import build
from ganexp.config.keys import computes
from ganexp.metrics.measurement import prepare as prepare_metrics
from ganexp.models import GAN
from ganexp.runs.checkpoint import go_back, last_good
from ganexp.runs.records import Summary
from ganexp.runs.run import Run
from ganexp.training.callbacks import Measures, Periodic
from ganexp.training.experiment import Experiment
from ganexp.training.feed import DataModule
from ganexp.training.health import Diverged, RollBack
from ganexp.training.loggers import TensorBoard
from ganexp.training.state import Ending, RunState
from ganexp.training.summary import summarise
from ganexp.training.trainer import make_trainer

_AXES = ("model", "network", "loss", "penalty", "augmentation", "optimizer", "lr_schedule", "data")


@dataclass(frozen=True)
class Training:
    """All objects of a training that is ready to begin; nothing has been written yet."""

    experiment: Experiment
    config: dict[str, Any]
    run: Run
    model: GAN
    data: DataModule
    trainer: Trainer
    checkpoint: Path | None
    state: RunState


def prepare(experiment: Experiment, run: Run) -> Training:
    """Build the objects that need Lightning: model, data, callbacks, loggers, trainer; get ready what measures.

    Arguments:
        experiment: What to train.
        run: Where; if it exists, training continues from its last good checkpoint.

    Raises:
        ConfigError: Something cannot be built.
    """
    config = experiment.config
    # Lightning 2.6 asks torch for a class that torch deprecates since 2.10.
    warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated")
    # Where a cluster has a command that starts processes, Lightning would have every run started by it.
    warnings.filterwarnings("ignore", "The `srun` command is available on your system but is not used")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    # Lightning makes torch search for NVIDIA's driver library whenever it is asked for CUDA, and optimisers ask at every step:
    # without a GPU that took a tenth of a small network's iteration. It matters to forked processes only.
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
    seed_everything(config["seed"], verbose=False)
    model = build(config["model"], "model", game=experiment.game)
    data = DataModule(experiment.game.data, experiment.game.schedule.d_steps, config["seed"])
    iterations, epochs = data.plan(config["trainer"]["max_epochs"], config["trainer"]["max_iterations"])
    model.begin(config["seed"], iterations)
    state = RunState()
    callbacks = make_callbacks(experiment, state)
    periodic = (callback for callback in callbacks if isinstance(callback, Periodic))
    data.stop_at([callback.cadence(iterations, data.iterations_per_epoch) for callback in periodic])
    if (checkpoint := last_good(run)) is not None:
        checkpoint.check_fit(model)
    start = (checkpoint.iteration if checkpoint else 0) if run.exists else None
    loggers = build(config["logger"], "logger", folder=run.path, start=start)
    trainer = make_trainer(config["trainer"], run, epochs, checkpoint, callbacks=callbacks, logger=list(loggers.values()))
    # Last: nothing is refused any more when a classifier has been trained to measure with.
    prepare_metrics(experiment.metrics, experiment.reference)
    return Training(experiment, config, run, model, data, trainer, checkpoint.path if checkpoint else None, state)


def train(training: Training, overrides: list[str], source: dict[str, Any] | None = None) -> Summary:
    """Train until the budget is spent, a signal comes, or the run is not healthy; return its summary.

    Arguments:
        training: What :func:`prepare` returned.
        overrides: The command line's overrides, saved with the run.
        source: The configuration before it was resolved, saved with the run: an option that others follow can then be set when
            the run is resumed. By default the resolved one.

    Raises:
        ConfigError: The run directory cannot be made, or another process trains the run.
    """
    run, trainer = training.run, training.trainer
    source = deepcopy(source or training.config)
    if not run.exists:
        run.create(source, overrides)
        for logger in _tensorboards(trainer):
            logger.log_config(training.config)
    elif trainer.is_global_zero:
        run.occupy()
        if overrides:
            run.save_config(source, [*run.overrides, *overrides])
    try:
        return _train(training, source)
    finally:
        run.release()


def _train(training: Training, source: dict[str, Any]) -> Summary:
    run = training.run
    while (rollback := _fit(training)) and (returned := _go_back(training, rollback, source)):
        training = returned
    trainer = training.trainer
    if training.state.received and threading.current_thread() is threading.main_thread():
        # The process is ending: a further Ctrl-C kills it, as while it trained, and is no failure of what is left to do.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    summary = summarise(training.config, run, training.model, trainer, training.state)
    if trainer.is_global_zero:
        run.write_summary(summary)
        for logger in _tensorboards(trainer):
            if summary.status != "stopped":
                logger.log_result(_columns(training.config, run.overrides), summary)
            logger.close()
    return summary


def _fit(training: Training) -> RollBack | None:
    """Train to the end, or until the run goes back."""
    try:
        with _ranks_resume(training.run):
            training.trainer.fit(training.model, datamodule=training.data, ckpt_path=training.checkpoint)
    except Diverged as failure:
        training.state.ending = Ending("diverged", str(failure), 1)
    except RollBack as rollback:
        return rollback
    return None


def _go_back(training: Training, rollback: RollBack, source: dict[str, Any]) -> Training | None:
    """Prepare the training anew from a checkpoint from before the trouble, with lower learning rates, which the run keeps.

    Arguments:
        training: What ended badly.
        rollback: From where it continues, and how.
        source: The configuration before it was resolved; it is given the new rates.

    Returns:
        None in all processes but the first: that one will start others.
    """
    run = training.run
    if rollback.checkpoint is None:
        return None
    go_back(run, rollback.checkpoint, rollback.callback, rollback.state)
    config = deepcopy(training.config)
    for player, optimizer in zip(("d_optimizer", "g_optimizer"), training.trainer.optimizers, strict=True):
        config[player]["lr"] = source[player]["lr"] = optimizer.defaults["lr"] * rollback.lr_factor
    run.save_config(source, run.overrides)
    optimizers = {player: build(config[player], player) for player in ("d_optimizer", "g_optimizer")}
    game = replace(training.experiment.game, **optimizers)
    return prepare(replace(training.experiment, config=config, game=game), run)


def make_callbacks(experiment: Experiment, state: RunState) -> list[Callback]:
    """Build the callbacks of the config group, in its order: what is logged comes before what is saved.

    A constructor gets what the run's callbacks share by annotating a parameter with :class:`RunState` or :class:`Measures`.
    """
    measures = Measures(experiment.metrics, experiment.reference, experiment.config["metrics"])
    callbacks = build(experiment.config["callbacks"], "callbacks", [state, measures])
    return [*callbacks.values(), _TearDown()]


class _TearDown(Callback):
    """Tear callbacks down after a failure, too, which Lightning leaves out: the progress bar would stay open."""

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            callback.teardown(trainer, pl_module, "fit")


def _tensorboards(trainer: Trainer) -> list[TensorBoard]:
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoard)]


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

    It starts them with this process's own arguments, which would begin a run, or a whole sweep, of their own; and it leaves
    variables and a process group behind, by which the next run of a sweep would take itself for one of those processes. The
    signals that it and :class:`StopOnSignal` took are given back.
    """
    arguments, environment = sys.argv, dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.argv = [arguments[0], f"resume={run.path}"]
    try:
        yield
    finally:
        sys.argv = arguments
        os.environ.clear()
        os.environ.update(environment)
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler or signal.SIG_DFL)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
