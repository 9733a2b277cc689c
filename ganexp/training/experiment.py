"""Everything that a run needs, built from its configuration: typed, checked, and ready before anything is written."""

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer, seed_everything

from ganexp.config.build import build
from ganexp.config.errors import ConfigError
from ganexp.metrics.measurement import prepare as prepare_metrics
from ganexp.models import GAN
from ganexp.models.game import Game
from ganexp.runs.checkpoint import last_good
from ganexp.runs.run import Run
from ganexp.training.callbacks import Checkpoints, Measures, Periodic, TimeBudget
from ganexp.training.components import Components, build_components
from ganexp.training.execution import Execution
from ganexp.training.feed import DataModule
from ganexp.training.fine_tuning import Inherited, inherit
from ganexp.training.foreign import cadence
from ganexp.training.freezing import freeze
from ganexp.training.loggers import Place
from ganexp.training.reduced import Reduced
from ganexp.training.single import check_single
from ganexp.training.state import RunState
from ganexp.training.trainer import make_trainer
from ganexp.training.unsaved import UnsavedState


@dataclass(frozen=True)
class Experiment:
    """All objects of a run that is ready to begin; nothing has been written yet.

    Attributes:
        config: The resolved configuration that they were built from, as it is saved with the run.
        run: Where it trains.
        game: What the model was made from.
        model: What is trained.
        data: What feeds it.
        trainer: Lightning's trainer, with the callbacks and loggers.
        checkpoint: Where training continues; None: at the beginning.
        start: The iteration from which it continues.
        inherited: What the model has taken over from another one; None: nothing, or the run continues.
        state: What the callbacks share.
    """

    config: dict[str, Any]
    run: Run
    game: Game
    model: GAN
    data: DataModule
    trainer: Trainer
    checkpoint: Path | None
    start: int
    inherited: Inherited | None
    state: RunState


def assemble(config: dict[str, Any], run: Run, components: Components | None = None) -> Experiment:
    """Build everything, and refuse what cannot run.

    Arguments:
        config: The resolved configuration, plain dicts and lists.
        run: Where to train; if it exists, training continues from its last good checkpoint.
        components: What :func:`.build_components` made of the configuration, where it has been asked already.

    Raises:
        ConfigError: Some value, or some combination, cannot run.
    """
    components = components or build_components(config)
    # Lightning 2.6 asks torch for a class that torch deprecates since 2.10.
    warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated")
    # Where a cluster has a command that starts processes, Lightning would have every run started by it.
    warnings.filterwarnings("ignore", "The `srun` command is available on your system but is not used")
    # One output has a weight with one row; the strides of its gradient differ where they mean nothing, and DDP warns of them.
    warnings.filterwarnings("ignore", r"Grad strides do not match bucket view strides[\s\S]*grad\.sizes\(\) = \[1, ")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.profilers").setLevel(logging.INFO)  # a profiler reports by it
    # Lightning makes torch search for NVIDIA's driver library whenever it is asked for CUDA, and optimisers ask at every step:
    # without a GPU that took a tenth of a small network's iteration. It matters to forked processes only.
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
    seed_everything(config["seed"], verbose=False)
    model = build(config["model"], "model", game=components.game)
    reduced = Reduced.of(config["trainer"])
    data = DataModule(components.game.data, components.game.schedule.d_steps, config["seed"], reduced)
    iterations, epochs = data.plan(config["trainer"]["max_epochs"], config["trainer"]["max_iterations"])
    checkpoint = last_good(run)
    inherited = None if checkpoint else inherit(model, components.game, config.get("init_from"))
    freeze(model, config.get("freeze_d", 0), inherited, given=config.get("init_from") is not None)
    model.begin(config["seed"], iterations)
    check_single(model, data.smallest)
    copies = [] if model.average is None else [model.average.module]
    Execution.of(config["trainer"]).apply([model.generator, model.discriminator], copies)
    state = RunState()
    callbacks = _callbacks(config, components, state)
    for callback in callbacks.values():
        if isinstance(callback, Periodic) and reduced.iterations:
            callback.every, callback.epochs, callback.times = None, None, 1
    per_epoch = data.iterations_per_epoch
    data.stop_at([cadence(made, f"callbacks.{name}", iterations, per_epoch) for name, made in callbacks.items()])
    if checkpoint is not None:
        checkpoint.check_fit(model)
    start = checkpoint.iteration if checkpoint else 0
    if start > iterations:
        keys = [f"trainer.{key}" for key in ("max_epochs", "max_iterations") if config["trainer"][key] is not None]
        message = f"the run has done {start:,} iterations, and its budget would be {iterations:,}"
        raise ConfigError(message, *keys, hint="give it a larger one, or none to leave it as it is")
    loggers = build(config["logger"], "logger", [Place(run.path, start if run.exists else None)])
    every = [UnsavedState(), *callbacks.values(), _TearDown()]
    trainer = make_trainer(config["trainer"], run, epochs, checkpoint, callbacks=every, logger=list(loggers.values()))
    # Lightning does so after it has loaded a checkpoint, of which float32 would keep a half.
    trainer.precision_plugin.convert_module(model)
    # Last: nothing is refused any more when a classifier has been trained to measure with.
    prepare_metrics(components.metrics, components.reference)
    start_from = checkpoint.path if checkpoint else None
    return Experiment(config, run, components.game, model, data, trainer, start_from, start, inherited, state)


def _callbacks(config: dict[str, Any], components: Components, state: RunState) -> dict[str, Callback]:
    """Build the callbacks of the config group, in its order; checkpoints come last, when everything else is on the disk.

    A constructor gets what the run's callbacks share by annotating a parameter with :class:`RunState` or :class:`Measures`.
    """
    measures = Measures(components.metrics, components.reference, config["metrics"])
    callbacks: dict[str, Callback] = build(config["callbacks"], "callbacks", [state, measures])
    duration = config["trainer"].get("max_time")
    budget = {} if duration is None else {"time_budget": _time_budget(state, duration)}
    return budget | dict(sorted(callbacks.items(), key=lambda item: isinstance(item[1], Checkpoints)))


def _time_budget(state: RunState, duration: Any) -> TimeBudget:
    try:
        return TimeBudget(state, duration)
    except (MisconfigurationException, TypeError, AttributeError) as error:
        hint = "write days:hours:minutes:seconds, such as trainer.max_time=00:12:00:00"
        raise ConfigError("should be a time", "trainer.max_time", hint=hint) from error


class _TearDown(Callback):
    """Tear callbacks down after a failure, too, which Lightning leaves out: the progress bar would stay open."""

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            callback.teardown(trainer, pl_module, "fit")
