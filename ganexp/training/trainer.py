"""Lightning's trainer from the ``trainer`` node."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.plugins.io import CheckpointIO

from ganexp.config.build import check, mentioned, refusal
from ganexp.config.errors import ConfigError
from ganexp.runs.archive import write
from ganexp.runs.checkpoint import Checkpoint, load
from ganexp.runs.run import LAST, PREVIOUS, Run
from ganexp.training.execution import Execution
from ganexp.training.reduced import OPTIONS

# Options that Lightning refuses or misunderstands where optimisation is manual, or that are set by others here, and those.
_INSTEAD = {
    "max_steps": "use trainer.max_iterations",
    "min_steps": "use trainer.max_iterations",
    "min_epochs": "use trainer.max_epochs",
    "gradient_clip_val": "use schedule.gradient_clip",
    "gradient_clip_algorithm": "use schedule.gradient_clip",
    "accumulate_grad_batches": "use schedule.micro_batches",
    "val_check_interval": "use callbacks.evaluation.every",
    "check_val_every_n_epoch": "use callbacks.evaluation.epochs",
    "num_sanity_val_steps": "use callbacks.evaluation.every",
    "limit_val_batches": "use callbacks.evaluation.samples",
    "limit_test_batches": "use callbacks.evaluation.samples",
    "limit_predict_batches": "use callbacks.evaluation.samples",
    "log_every_n_steps": "use callbacks.scalars.every",
    "logger": "use ~logger.tensorboard and ~logger.csv, or +logger.NAME._target_=CLASS",
    "callbacks": "use +callbacks.NAME._target_=CLASS",
    "enable_progress_bar": "use ~callbacks.progress",
    "enable_checkpointing": "use ~callbacks.checkpoints",
    "enable_model_summary": "summary.json counts the parameters",
    "default_root_dir": "use output_dir",
    "plugins": "use trainer.precision and trainer.strategy",
    "use_distributed_sampler": "every process takes its share of each batch",
    "reload_dataloaders_every_n_epochs": "the order of the data is drawn anew in every epoch",
    "barebones": "use ~callbacks and ~logger, one by one",
}


class CheckpointFiles(CheckpointIO):
    """Have Lightning write and read checkpoints as :mod:`ganexp.runs.checkpoint` does.

    Arguments:
        read: One that has been read already; it is handed over once.
    """

    def __init__(self, read: Checkpoint | None = None) -> None:
        self._read = read

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write it; a ``last.ckpt`` that was there becomes ``previous.ckpt``."""
        path = Path(path)
        write(checkpoint, path, path.with_name(PREVIOUS) if path.name == LAST else None)

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Return its content, on the CPU."""
        read, self._read = self._read, None
        return (read if read is not None and read.path == Path(path) else load(Path(path))).content

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete it."""
        Path(path).unlink(missing_ok=True)


def make_trainer(
    options: dict[str, Any], run: Run, max_epochs: int, checkpoint: Checkpoint | None = None, **objects: Any
) -> Trainer:
    """Build Lightning's trainer from the ``trainer`` node, which takes any of its options.

    Arguments:
        options: The node.
        run: Where it trains.
        max_epochs: How long.
        checkpoint: Where it will start.
        objects: Other arguments of Lightning's trainer.

    Raises:
        ConfigError: Lightning does not know an option or refuses its value.
    """
    others = {"max_epochs", "max_iterations", "threads", *OPTIONS, *(field.name for field in fields(Execution))}
    options = {key: value for key, value in options.items() if key not in others}
    check({"_target_": "lightning.pytorch.Trainer", **options}, "trainer")
    options.pop("max_time", None)  # a callback looks after it
    devices = options.get("devices", 1)
    several = (isinstance(devices, int) and devices != 1) or (isinstance(devices, list) and len(devices) > 1)
    if options.get("strategy", "auto") == "ddp" or (several and options.get("strategy", "auto") == "auto"):
        # Each backward pass reaches one player only: the parameters of the other are unused.
        options["strategy"] = "ddp_find_unused_parameters_true"
    own: dict[str, Any] = {
        "default_root_dir": run.path, "plugins": [CheckpointFiles(checkpoint)], "max_epochs": max_epochs,
        "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False,
        "num_sanity_val_steps": 0, "use_distributed_sampler": False,
    }  # fmt: skip
    if taken := [key for key in options if key in own | objects | _INSTEAD]:
        raise ConfigError(
            "this option of Lightning's trainer does not apply to GANs",
            *(f"trainer.{key}" for key in taken),
            hint="; ".join(dict.fromkeys(_INSTEAD[key] for key in taken)),
        )
    try:
        return Trainer(**options, **own, **objects)
    except Exception as error:  # Lightning's refusals have no common class
        raise refusal(error, *mentioned(error, "trainer", options)) from error
