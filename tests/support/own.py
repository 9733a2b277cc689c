"""Classes of a user, which are passed from Python."""

import os
import signal
from typing import ClassVar

import torch
from lightning.pytorch import Callback

from ganexp import Loss, Metric


class Bounded(Loss):
    def __init__(self, c: float = 1.0) -> None:
        super().__init__()
        self.c = c

    def discriminator(self, real_logits, fake_logits):
        return torch.exp(-self.c * real_logits.tanh()).mean() + torch.exp(self.c * fake_logits.tanh()).mean()

    def generator(self, fake_logits, real_logits=None):
        return torch.exp(-self.c * fake_logits.tanh()).mean()


class Forgetful(Bounded):
    """Keeps its argument under another name."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__(scale)


class Threads(Bounded):
    """Notes how many threads torch has."""

    seen: ClassVar[list[int]] = []

    def discriminator(self, real_logits, fake_logits):
        self.seen.append(torch.get_num_threads())
        return super().discriminator(real_logits, fake_logits)


class Radius(Metric):
    def __call__(self, samples, reference):
        return {"radius": float(samples.x.norm(dim=1).mean())}


class Interrupt(Callback):
    """Press Ctrl-C at an iteration."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        if pl_module.counters.iteration == self.iteration:
            os.kill(os.getpid(), signal.SIGINT)
