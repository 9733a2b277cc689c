"""What a GAN is besides its players' question: the material and the rules, one object of each config group."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer

from ganexp.data.base import Data
from ganexp.models.losses import Loss
from ganexp.models.regularizers import Penalty
from ganexp.models.schedule import Schedule
from ganexp.networks import Networks

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


@dataclass(frozen=True)
class Game:
    """The objects that every model is made from, whatever it asks of its players.

    Arguments:
        data: What is real.
        network: Makes both players.
        loss: How they are scored.
        penalty: What the discriminator's gradient or weights must obey.
        schedule: When they move.
        lr_schedule: Factor of both learning rates as a function of progress through the budget, in [0, 1].
        d_optimizer: Makes the discriminator's optimiser from its parameters.
        g_optimizer: Makes the generator's optimiser from its parameters.
    """

    data: Data
    network: Networks
    loss: Loss
    penalty: Penalty
    schedule: Schedule
    lr_schedule: Callable[[float], float]
    d_optimizer: MakeOptimizer
    g_optimizer: MakeOptimizer
