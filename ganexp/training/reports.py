"""What a run tells its loggers besides curves: pictures, texts, its configuration and its result, each in the logger's own way.

A logger that nothing here knows gets what every one of Lightning's takes: hyperparameters and numbers; pictures, too, if it has
``log_image``. To teach it more, register a function for its class: ``@show_picture.register``.
"""

from functools import singledispatch
from typing import Any

import numpy as np
import yaml
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from ganexp.config.compose import flatten
from ganexp.runs.records import Summary
from ganexp.runs.signals import is_headline
from ganexp.training.loggers import CSV, TensorBoard


@singledispatch
def show_picture(logger: Logger, name: str, picture: np.ndarray, iteration: int) -> None:
    """Show a picture, uint8 with shape (H, W, 3)."""
    if hasattr(logger, "log_image"):
        logger.log_image(name, [picture], step=iteration)


@show_picture.register
def _(logger: TensorBoardLogger, name: str, picture: np.ndarray, iteration: int) -> None:
    logger.experiment.add_image(name, picture, iteration, dataformats="HWC")


@show_picture.register
def _(logger: MLFlowLogger, name: str, picture: np.ndarray, iteration: int) -> None:
    logger.experiment.log_image(logger.run_id, picture, artifact_file=f"{name}/{iteration:08d}.png")


@singledispatch
def show_text(logger: Logger, name: str, text: str, iteration: int) -> None:
    """Show a text, where the logger has a place for it."""


@show_text.register
def _(logger: TensorBoardLogger, name: str, text: str, iteration: int) -> None:
    logger.experiment.add_text(name, text, iteration)


@singledispatch
def show_config(logger: Logger, config: dict[str, Any]) -> None:
    """Show the resolved configuration of a run that begins."""
    logger.log_hyperparams(flatten(config))


@show_config.register
def _(logger: TensorBoard, config: dict[str, Any]) -> None:
    """Show it in the TEXT tab: the HPARAMS tab has a few choices and the result."""
    text = yaml.safe_dump(config, sort_keys=False)
    show_text(logger, "config", "".join(f"    {line}\n" for line in text.splitlines()), 0)


@singledispatch
def show_result(logger: Logger, choices: dict[str, Any], summary: Summary) -> None:
    """Show the metrics of the final and of the best state, and the iteration of the best."""
    logger.log_metrics(result(summary), step=summary.iteration)
    logger.save()


@show_result.register
def _(logger: TensorBoard, choices: dict[str, Any], summary: Summary) -> None:
    """Fill the run's row of the HPARAMS table."""
    logger.log_hyperparams(choices, result(summary), step=summary.iteration)


@show_result.register
def _(logger: CSV, choices: dict[str, Any], summary: Summary) -> None:
    """Leave it to ``summary.json``."""


@singledispatch
def close(logger: Logger, exit_status: int) -> None:
    """Let go of what the logger holds, when nothing more is logged."""


@close.register
def _(logger: TensorBoard, exit_status: int) -> None:
    logger.close()


@close.register
def _(logger: WandbLogger, exit_status: int) -> None:
    """End W&B's run: the next one in this process would be taken for the same."""
    if logger._experiment is not None:
        logger.experiment.finish(exit_code=exit_status)


def result(summary: Summary) -> dict[str, float]:
    """Return the metrics of the final state as ``final/<name>``, and those of the best one as ``best/<name>``."""
    states = {"final": summary.metrics, "best": summary.best.metrics if summary.best else {}}
    values = {f"{state}/{name}": value for state, found in states.items() for name, value in found.items() if is_headline(name)}
    known = {tag: value for tag, value in values.items() if value is not None}
    return known | ({"best/iteration": summary.best.iteration} if summary.best else {})
