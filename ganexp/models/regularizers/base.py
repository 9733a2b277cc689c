"""The one interface of every regularizer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganexp.config.errors import ConfigError
from ganexp.models.judging import Judgement


class Regularizer(nn.Module, ABC):
    """Add a term to a player's loss, limit its weights after an update, or both.

    It is a module of the model: what it remembers belongs in buffers, which move to the device with the model, are saved in
    checkpoints and resume exactly. Numbers that its constructor keeps as attributes may have a schedule.

    Attributes:
        player: Whose loss and weights it concerns: the discriminator's (``d``) or the generator's (``g``).
        per_sample: Whether logit i may depend on sample i alone.
        differentiates: Whose :func:`~ganexp.models.judging.gradients` the term asks for, ``real`` or ``fake`` samples of the
            update or both: these then cost no further forward pass.
        second_order: Whether the term contains a derivative of a player, so that its gradient needs a second one; players that
            are compiled have none.
        every: Add the term at every ``every``-th update of the player only, ``every`` times as strongly. The caller does both.
        random: Where random numbers come from: ``torch.rand(..., generator=self.random)``; None: torch's global generator.
    """

    player: Literal["d", "g"] = "d"
    per_sample: ClassVar[bool] = False
    differentiates: ClassVar[tuple[Literal["real", "fake"], ...]] = ()
    second_order: ClassVar[bool] = False
    every: int = 1
    random: torch.Generator | None = None

    @abstractmethod
    def forward(self, judgement: Judgement) -> Tensor | None:
        """Return the term, a scalar in float32 with the regularizer's own weight, or None where it adds none."""

    def after_update(self, network: nn.Module, judgements: Sequence[Judgement]) -> None:
        """Look at an update of the player that has just been made.

        Arguments:
            network: The player's network, whose weights may be changed in place.
            judgements: What the regularizer was given in this update, one for each micro-batch.
        """

    def check(self, generator: nn.Module, discriminator: nn.Module, shape: tuple[int, ...]) -> None:
        """Refuse networks or data to which the regularizer does not apply.

        Arguments:
            generator: The one network.
            discriminator: The other.
            shape: Shape of one sample.

        Raises:
            ConfigError: The term is per sample, and the discriminator has batch norm.
        """
        if self.per_sample and any(isinstance(module, _BatchNorm) for module in discriminator.modules()):
            raise ConfigError(
                "batch norm mixes the samples of a batch, but this penalty needs the gradient of each sample",
                "network.discriminator.norm",
                "penalty",
                hint="use network.discriminator.norm=layer or none, or penalty=none",
            )
