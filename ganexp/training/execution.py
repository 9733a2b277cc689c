"""How the players compute, by options of the ``trainer`` node: that changes what they compute by no more than rounding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from ganexp.config.build import check_value
from ganexp.config.errors import ConfigError
from ganexp.config.hardware import check_compiler
from ganexp.models.regularizers import Regularizer
from ganexp.networks.convolutions import ToMap
from ganexp.networks.recompute import Recomputable


@dataclass(frozen=True)
class Execution:
    """How the players compute.

    Attributes:
        channels_last: Whether weights, and with them the maps of convolutions, are channels last in memory; images, which are
            not, are turned by the first layer. Dropout drops other entries of maps in another layout.
        compile: Whether torch compiles the players as they train; samples are drawn without.
        recompute: Whether the insides of blocks are computed again in the backward pass, in place of being kept.
    """

    channels_last: bool = True
    compile: bool = False
    recompute: bool = False

    @classmethod
    def of(cls, trainer: Mapping[str, Any]) -> "Execution":
        """Return what a ``trainer`` node says.

        Raises:
            ConfigError: A value is of another kind.
        """
        given = {field.name: trainer[field.name] for field in fields(cls) if field.name in trainer}
        for name, value in given.items():
            check_value(value, bool, f"trainer.{name}")
        return cls(**given)

    def check(self, players: Sequence[nn.Module], regularizers: Mapping[str, Regularizer]) -> None:
        """Refuse what does not apply to the networks or to the regularizers, and what the machine has no means for.

        Raises:
            ConfigError: It does not, or has none.
        """
        if self.compile:
            self._check_compiled(players, regularizers)
        if self.recompute and not any(isinstance(module, Recomputable) for player in players for module in player.modules()):
            raise ConfigError(
                "blocks are computed again in the backward pass, and these networks have none",
                "trainer.recompute",
                "network",
                hint="use network=resnet, sagan, biggan, stylegan2 or r3gan, or save memory by schedule.micro_batches",
            )

    def apply(self, players: Sequence[nn.Module], copies: Sequence[nn.Module] = ()) -> None:
        """Let players that have their weights compute so.

        Arguments:
            players: The players; they are not copied afterwards.
            copies: Copies that follow them, such as an average, and are not trained.
        """
        for module in (inner for network in (*players, *copies) for inner in network.modules()):
            if isinstance(module, ToMap):
                module.channels_last = self.channels_last
            if isinstance(module, Recomputable):
                module.recompute = self.recompute
        for network in (*players, *copies):
            if not self.channels_last:  # networks make their weights channels last
                network.to(memory_format=torch.contiguous_format)
        for player in players:
            if self.compile:
                # With torch's own generators: noise and dropout are those of a network that is not compiled.
                player.compile(options={"fallback_random": True})

    def _check_compiled(self, players: Sequence[nn.Module], regularizers: Mapping[str, Regularizer]) -> None:
        if self.recompute:
            hint = "set one of them to false"
            message = "what is compiled decides itself what is kept for the backward pass"
            raise ConfigError(message, "trainer.compile", "trainer.recompute", hint=hint)
        for name, regularizer in regularizers.items():
            if regularizer.second_order:
                raise ConfigError(
                    "this penalty needs second derivatives, and torch makes none of compiled players",
                    "trainer.compile",
                    "penalty" if name == "penalty" else f"regularizers.{name}",
                    hint="use trainer.compile=false, or penalty=none",
                )
        if any(parametrize.is_parametrized(module) for player in players for module in player.modules()):
            # Seen with torch 2.15: where the vectors move, gradients in float64 are up to 1e-5 off those that are not compiled.
            message = "torch's compiled backward pass has another gradient of spectral norm, whose vectors move in each pass"
            hint = "use trainer.compile=false, or spectral_norm=false in both players"
            raise ConfigError(message, "trainer.compile", "network", hint=hint)
        check_compiler()
