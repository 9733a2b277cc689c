"""Train the objects of an experiment in a run directory."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer, seed_everything
from torch import Tensor

from ganexp.build import build, check, mentioned, refusal
from ganexp.callbacks import AtomicCheckpointIO, Diverged, Periodic, StopOnSignal
from ganexp.data.module import DataModule
from ganexp.errors import ConfigError
from ganexp.experiment import Experiment
from ganexp.loggers import TensorBoard
from ganexp.models import GAN
from ganexp.runs import Run
from ganexp.summary import summarise

# Options that Lightning refuses or misunderstands where optimisation is manual, and those that say the same.
_INSTEAD = {
    "max_steps": "trainer.max_iterations",
    "min_steps": "trainer.max_iterations",
    "min_epochs": "trainer.max_epochs",
    "gradient_clip_val": "schedule.gradient_clip",
    "gradient_clip_algorithm": "schedule.gradient_clip",
    "accumulate_grad_batches": "schedule.micro_batches",
    "limit_train_batches": "trainer.max_iterations",
    "overfit_batches": None,
    "fast_dev_run": "trainer.max_iterations",
    "val_check_interval": "callbacks.evaluation.every",
    "check_val_every_n_epoch": "callbacks.evaluation.every",
    "log_every_n_steps": "callbacks.scalars.every",
    "barebones": None,
}


@dataclass(frozen=True)
class Training:
    """All objects of a training that is ready to begin; nothing has been written yet."""

    config: dict[str, Any]
    run: Run
    model: GAN
    data: DataModule
    trainer: Trainer
    checkpoint: Path | None


def prepare(experiment: Experiment, run: Run) -> Training:
    """Build the objects that need Lightning: model, data, callbacks, loggers, trainer.

    Arguments:
        experiment: What to train.
        run: Where; if it exists, training continues from its last good checkpoint.

    Raises:
        ConfigError: Something cannot be built.
    """
    config = experiment.config
    # Lightning 2.6 asks torch for a class that torch deprecates since 2.10.
    warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    seed_everything(config["seed"], verbose=False)
    given = {name: getattr(experiment, name) for name in ("data", "network", "loss", "penalty", "schedule", "lr_schedule")}
    model = build(config["model"], "model", **given, d_optimizer=experiment.d_optimizer, g_optimizer=experiment.g_optimizer)
    data = DataModule(experiment.data, experiment.schedule.d_steps, config["seed"])
    data.prepare_data()
    iterations, epochs = data.plan(config["trainer"]["max_epochs"], config["trainer"]["max_iterations"])
    model.begin(config["seed"], iterations)
    callbacks = make_callbacks(experiment)
    data.stop_at([callback.cadence(iterations) for callback in callbacks if isinstance(callback, Periodic)])
    checkpoint, iteration = last_good(run)
    if checkpoint is not None:
        _check_fit(model, checkpoint)
    loggers = build(config["logger"], "logger", folder=run.path, start=iteration if run.exists else None)
    trainer = make_trainer(
        config["trainer"], run, max_epochs=epochs, callbacks=callbacks, logger=list(loggers.values())
    )  # fmt: skip
    return Training(config, run, model, data, trainer, checkpoint)


def train(training: Training, overrides: list[str]) -> dict[str, Any]:
    """Train until the budget is spent, a signal comes, or the losses diverge; return the content of ``summary.json``.

    Arguments:
        training: What :func:`prepare` returned.
        overrides: The command line's overrides, saved with the run.

    Raises:
        ConfigError: The run directory cannot be made.
    """
    run, model, trainer = training.run, training.model, training.trainer
    if not run.exists:
        run.create(training.config, overrides)
        for logger in _tensorboards(trainer):
            logger.log_config(training.config)
    elif overrides and trainer.is_global_zero:
        run.save_config(training.config, [*run.overrides, *overrides])
    failure: Diverged | None = None
    try:
        with _ranks_resume(run):
            trainer.fit(model, datamodule=training.data, ckpt_path=training.checkpoint)
    except Diverged as error:
        failure = error
    stop = next((c.received for c in trainer.callbacks if isinstance(c, StopOnSignal)), None)  # type: ignore[attr-defined]
    summary = summarise(training.config, run, model, trainer, failure, stop)
    if trainer.is_global_zero:
        run.write_summary(summary)
        for logger in _tensorboards(trainer):
            if summary["status"] != "stopped":
                logger.log_result(_columns(training.config, run.overrides), summary["metrics"], summary["iteration"])
            logger.finalize("success")
    return summary


def make_callbacks(experiment: Experiment) -> list[Callback]:
    """Build the callbacks of the config group, in its order: what is logged comes before what is saved."""
    callbacks: list[Callback] = []
    for name, node in experiment.config["callbacks"].items():
        given = {"metrics": experiment.metrics} if name == "evaluation" else {}
        callbacks.append(build(node, f"callbacks.{name}", **given))
    return callbacks


def make_trainer(options: dict[str, Any], run: Run, max_epochs: int, **objects: Any) -> Trainer:
    """Build Lightning's trainer from the ``trainer`` node, which takes any of its options.

    Raises:
        ConfigError: Lightning does not know an option or refuses its value.
    """
    options = {key: value for key, value in options.items() if key not in ("max_epochs", "max_iterations")}
    check({"_target_": "lightning.pytorch.Trainer", **options}, "trainer")
    devices = options.get("devices", 1)
    several = (isinstance(devices, int) and devices != 1) or (isinstance(devices, list) and len(devices) > 1)
    if several and options.get("strategy", "auto") in ("auto", "ddp"):
        # Each backward pass reaches one player only: the parameters of the other are unused.
        options["strategy"] = "ddp_find_unused_parameters_true"
    own: dict[str, Any] = {
        "default_root_dir": run.path, "plugins": [AtomicCheckpointIO()], "max_epochs": max_epochs,
        "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False,
        "num_sanity_val_steps": 0, "use_distributed_sampler": False,
    }  # fmt: skip
    taken = {key: _INSTEAD.get(key) for key in options if key in own | objects | _INSTEAD}
    if taken:
        instead = " ".join(sorted(filter(None, taken.values())))
        hint = f"use {instead}" if instead else None
        raise ConfigError(
            "this option of Lightning's trainer does not apply here", *(f"trainer.{key}" for key in taken), hint=hint
        )
    try:
        return Trainer(**options, **own, **objects)
    except Exception as error:  # Lightning's refusals have no common class
        raise refusal(error, *mentioned(error, "trainer", options)) from error


def last_good(run: Run) -> tuple[Path | None, int]:
    """Return the newest undamaged checkpoint and its iteration; ``None`` and 0 when nothing has been saved yet.

    Raises:
        ConfigError: All that was saved is damaged.
    """
    damages: list[OSError] = []
    for path in run.checkpoints:
        try:
            checkpoint = AtomicCheckpointIO().load_checkpoint(path)
        except OSError as error:
            damages.append(error)
            continue
        for damage in damages:
            warnings.warn(f"{damage}; the one before it is taken", RuntimeWarning, stacklevel=2)
        return path, int(checkpoint["ganexp"]["counters"]["iteration"])
    if damages:
        raise ConfigError("; ".join(map(str, damages)), "resume", hint="no good checkpoint is left: start a new run")
    return None, 0


def _check_fit(model: GAN, checkpoint: Path) -> None:
    """Refuse networks into which a checkpoint does not fit, before the run's configuration is changed."""
    saved, made = (
        {name: tuple(x.shape) for name, x in state.items() if isinstance(x, Tensor)}
        for state in (AtomicCheckpointIO().load_checkpoint(checkpoint)["state_dict"], model.state_dict())
    )
    if changed := sorted(name for name in saved.keys() | made.keys() if saved.get(name) != made.get(name)):
        was, now = saved.get(changed[0], "absent"), made.get(changed[0], "absent")
        raise ConfigError(
            f"these options describe other networks than the run has: {changed[0]} was {was}, would be {now}", "resume",
            hint="start a new run",
        )  # fmt: skip


def _tensorboards(trainer: Trainer) -> list[TensorBoard]:
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoard)]


def _columns(config: dict[str, Any], overrides: list[str]) -> dict[str, Any]:
    """Return the run's row in TensorBoard's table of runs: its choices, its seed and what its command line set."""
    values = (override.partition("=") for override in overrides)
    return config["choices"] | {"seed": config["seed"]} | {key.lstrip("+"): value for key, _, value in values}


@contextmanager
def _ranks_resume(run: Run) -> Iterator[None]:
    """Let Lightning start its other processes with a command that names nothing but the run directory.

    It starts them with this process's own arguments, which would begin a run, or a whole sweep, of their own.
    """
    arguments = sys.argv
    sys.argv = [arguments[0], f"resume={run.path}"]
    try:
        yield
    finally:
        sys.argv = arguments
