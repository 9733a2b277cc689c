"""Parts of a user's own that do not do as the package's do."""

import torch
from lightning.pytorch import Callback
from torch import Tensor, nn

from ganexp import GAN, Augmentation, Loss, Regularizer


class EachIteration(Callback):
    """Write down the iterations at which it is called, as ``global_step`` has them."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        self.seen.append((trainer.global_step, pl_module.counters.iteration))


class Gradients(Callback):
    """Wait for what manual optimisation never calls."""

    def on_after_backward(self, trainer, pl_module):
        raise AssertionError


class VectorLoss(Loss):
    """Return a value for each sample."""

    def discriminator(self, real_logits, fake_logits):
        return fake_logits - real_logits

    def generator(self, fake_logits, real_logits=None):
        return -fake_logits


class FailingLoss(VectorLoss):
    """Raise."""

    def discriminator(self, real_logits, fake_logits):
        raise RuntimeError("no luck")


class VectorRegularizer(Regularizer):
    """Return a value for each sample."""

    def forward(self, judgement):
        return judgement.real.logits


class MeanLoss(VectorLoss):
    """Wasserstein's loss, about a moving mean of the logits.

    Arguments:
        kind: How the mean is kept: as a ``number``, a ``tensor``, in a ``list``, or, as it should be, in a ``buffer``.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        if kind == "buffer":
            self.register_buffer("mean", torch.zeros(()))
        else:
            self.mean = {"number": 0.0, "tensor": torch.zeros(()), "list": [0.0]}[kind]

    def discriminator(self, real_logits, fake_logits):
        new = real_logits.mean().detach()
        self.mean = {"number": float, "list": lambda x: [float(x)]}.get(self.kind, lambda x: x)(new)
        return fake_logits.mean() - real_logits.mean()

    def generator(self, fake_logits, real_logits=None):
        return -fake_logits.mean()


class LearningLoss(MeanLoss):
    """Have a parameter."""

    def __init__(self) -> None:
        super().__init__("buffer")
        self.scale = nn.Parameter(torch.ones(()))


class LearningAugmentation(Augmentation):
    """Have a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class LearningRegularizer(Regularizer):
    """Have a parameter, which moves with the discriminator's."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, judgement):
        return (self.scale - 2.0).square()


class Mixture(GAN):
    """Have parameters of its own.

    Arguments:
        where: ``nobody`` owns them, they are in a ``list``, or, as it should be, the generator (``g``) owns them.
    """

    def __init__(self, game, latent_dim: int = 2, where: str = "g", noise: str = "normal") -> None:
        super().__init__(game, latent_dim, noise)
        self.where = where
        means = nn.Parameter(torch.zeros(latent_dim))
        if where == "list":
            self.parts = [means]
        else:
            self.means = means

    def owners(self):
        owners = super().owners()
        if self.where == "g":
            owners["g"].append(self.means)
        return owners

    def draw(self, batch):
        z, y = super().draw(batch)
        return z + (self.means if self.where == "g" else 0.0), y
