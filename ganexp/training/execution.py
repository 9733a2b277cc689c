"""How the players compute, by options of the ``trainer`` node: that changes what they compute by no more than rounding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import nn

from ganexp.config.build import check_value
from ganexp.config.errors import ConfigError
from ganexp.networks.recompute import Recomputable


@dataclass(frozen=True)
class Execution:
    """How the players compute.

    Attributes:
        recompute: Whether the insides of blocks are computed again in the backward pass, in place of being kept.
    """

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

    def check(self, players: Sequence[nn.Module]) -> None:
        """Refuse what does not apply to the networks.

        Raises:
            ConfigError: It does not.
        """
        if self.recompute and not any(isinstance(module, Recomputable) for player in players for module in player.modules()):
            raise ConfigError(
                "blocks are computed again in the backward pass, and these networks have none",
                "trainer.recompute",
                "network",
                hint="use network=resnet, sagan, biggan, stylegan2 or r3gan, or save memory by schedule.micro_batches",
            )

    def apply(self, players: Sequence[nn.Module]) -> None:
        """Let players that have their weights, and will not be copied any more, compute so."""
        for player in players:
            for module in player.modules():
                if isinstance(module, Recomputable):
                    module.recompute = self.recompute
