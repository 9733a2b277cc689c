"""What every model is made from: one object of each config group."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer

from ganexp.data.base import Data
from ganexp.models.augmentations import Augmentation
from ganexp.models.losses import Loss
from ganexp.models.regularizers import Regularizer
from ganexp.models.schedules import Schedule
from ganexp.models.turns import Turns
from ganexp.networks import Networks

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


@dataclass(frozen=True)
class Game:
    """The objects that every model is made from, whatever it asks of its players.

    Arguments:
        data: What is real.
        network: Makes both players.
        loss: The losses of both.
        penalty: The discriminator's regularizer, or nothing.
        regularizers: Further regularizers of either player, by the name of the term.
        augmentation: The augmentation of the discriminator's input, or nothing.
        schedule: When the players move.
        lr_schedule: Factor of both learning rates.
        d_optimizer: Makes the discriminator's optimiser from its parameters.
        g_optimizer: Makes the generator's optimiser from its parameters.
    """

    data: Data
    network: Networks
    loss: Loss
    penalty: Regularizer | Mapping[str, Regularizer]
    regularizers: Mapping[str, Regularizer]
    augmentation: Augmentation | Mapping[str, Augmentation]
    schedule: Turns
    lr_schedule: Schedule
    d_optimizer: MakeOptimizer
    g_optimizer: MakeOptimizer

    @property
    def all_regularizers(self) -> dict[str, Regularizer]:
        """The penalty, if there is one, and the others, by the name of the term."""
        penalty = {"penalty": self.penalty} if isinstance(self.penalty, Regularizer) else dict(self.penalty)
        return {**penalty, **self.regularizers}

    def check(self, generator: nn.Module, discriminator: nn.Module) -> None:
        """Refuse what does not apply to the networks or to the data.

        Raises:
            ConfigError: A regularizer or the augmentation does not.
        """
        for regularizer in self.all_regularizers.values():
            regularizer.check(generator, discriminator, self.data.shape)
        if isinstance(self.augmentation, Augmentation):
            self.augmentation.check(self.data.shape)
