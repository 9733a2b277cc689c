"""The objects of an experiment that need no Lightning: what can be refused is refused by them, in two seconds."""

from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import torch
from torch import nn

from ganexp.config.build import build, check_value, refusal, try_out
from ganexp.config.compose import check_present
from ganexp.config.errors import ConfigError
from ganexp.config.hardware import check_hardware
from ganexp.config.types import PositiveInt, Seed
from ganexp.metrics import Metric, Reference
from ganexp.metrics.measurement import fitting
from ganexp.models.game import Game
from ganexp.models.losses import check_loss
from ganexp.models.schedules import make
from ganexp.training.execution import Execution
from ganexp.training.memory import check_needs
from ganexp.training.reduced import Reduced


@dataclass(frozen=True)
class Components:
    """The objects of one point on the axes, checked against each other; see the config groups of the same names."""

    game: Game
    metrics: dict[str, Metric]
    reference: Reference


def build_components(config: dict[str, Any]) -> Components:
    """Build the objects, refuse what does not fit together, and see to the data's files.

    Arguments:
        config: The resolved configuration, plain dicts and lists.

    Raises:
        ConfigError: Some value, or some combination, cannot run.
    """
    groups = [field.name for field in fields(Game)]
    for section in (*groups, "metrics", "extractor", "model", "trainer", "callbacks", "logger"):
        if section not in config:
            raise ConfigError("this section is missing", section)
        if not isinstance(config[section], dict):
            hint = "a saved run keeps its choices; set options in them, such as schedule.d_steps=2"
            raise ConfigError("should be a section of options", section, hint=hint)
    check_present(config, "seed")
    check_value(config["seed"], Seed, "seed")
    check_value(config["model"].get("latent_dim", 1), PositiveInt, "model.latent_dim")
    check_value(config["trainer"].get("threads"), PositiveInt | None, "trainer.threads")
    check_budget(config["trainer"])
    Reduced.of(config["trainer"])
    execution = Execution.of(config["trainer"])
    check_hardware(config["trainer"])
    game = Game(**{group: build(config[group], group) for group in groups})
    check_loss(game.loss)
    data = game.data
    reference = Reference(data, build(config["extractor"], "extractor"))
    metrics = build(config["metrics"], "metrics")
    latent_dim = config["model"].get("latent_dim", 1)
    try:
        with torch.device("meta"):  # shapes only: no weight is drawn
            players = (
                game.network.generator(latent_dim, data.shape, 0, data.value_range),
                game.network.discriminator(data.shape),
            )
    except ConfigError:
        raise
    except Exception as error:  # whatever a class raises; RuntimeError: a number of weights that torch cannot count
        smaller = "use smaller widths" if isinstance(error, RuntimeError) else None
        raise ConfigError(f"the players cannot be made: {refusal(error)}", "network", hint=smaller) from error
    game.check(*players)
    execution.check(players, game.all_regularizers)
    metrics = fitting(metrics, reference)
    for player in ("d_optimizer", "g_optimizer"):
        try_out(partial(make, getattr(game, player)), config[player], player, [nn.Parameter(torch.zeros(1))])
    check_needs(game, players, latent_dim, config["trainer"])
    data.prepare()
    return Components(game, metrics, reference)


def check_budget(trainer: dict[str, Any]) -> None:
    """Refuse a budget that is missing or not a positive number."""
    for key in ("max_epochs", "max_iterations"):
        check_value(trainer.get(key), PositiveInt | None, f"trainer.{key}")
    if trainer.get("max_epochs") is None and trainer.get("max_iterations") is None:
        raise ConfigError("a run needs a budget", "trainer.max_epochs", "trainer.max_iterations", hint="set one of them")
