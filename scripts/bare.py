"""The loops that ganexp's is held against, and the presets on which: :mod:`benchmark` and :mod:`operations` use them.

``bare`` is the algorithm of a preset by hand, as somebody writes it who knows PyTorch: data on the device, a batch is one
gather, fused optimisers, the discriminator frozen while the generator learns, penalties from the pass of the losses, nothing
logged.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, relu, softplus
from torch.optim import Adam, Optimizer
from typing_extensions import Unpack

from ganexp.data import CIFAR10, MNIST
from ganexp.data.images import ImageOptions
from ganexp.models import latents
from ganexp.models.augmentations import Augmentation
from ganexp.models.losses import Hinge, Loss, NonSaturating, Relativistic, Wasserstein
from ganexp.models.regularizers import R1, R1R2, GradientPenalty, Regularizer
from ganexp.models.schedules import Clock, make, present
from ganexp.training.experiment import Experiment

Loop = Iterator[None]  # each `next` is one iteration


class RandomDigits(MNIST):
    """Random bytes in the shape of MNIST: arithmetic takes as long on them."""

    number = 10_000

    def prepare(self) -> None:
        """Need no files."""

    def read(self, split: str) -> tuple[Tensor, Tensor]:
        """Draw images and labels."""
        return (
            torch.randint(256, (self.number, *self.shape), dtype=torch.uint8),
            torch.randint(self.num_classes, (self.number,)),
        )


class RandomPhotographs(CIFAR10):
    """Random bytes in the shape of CIFAR-10."""

    number, prepare, read = RandomDigits.number, RandomDigits.prepare, RandomDigits.read


class RandomFaces(RandomPhotographs):
    """A few random bytes in the shape of CelebA's faces, with the one of its options that cannot be left out."""

    number = 1000

    def __init__(self, root: str | None = None, workers: int | None = None, **options: Unpack[ImageOptions]) -> None:
        super().__init__(root, **options)


_PHOTOGRAPHS = ("data._target_=bare.RandomPhotographs",)
PRESETS: dict[str, tuple[str, ...]] = {
    "ring": ("data=ring",),
    "MNIST DCGAN": ("model=dcgan", "loss=non_saturating", "data=mnist", "data._target_=bare.RandomDigits"),
    "CIFAR-10 DCGAN": ("experiment=cifar10_dcgan", *_PHOTOGRAPHS),
    "CIFAR-10 WGAN-GP": (
        *(
            "model=dcgan",
            "data=cifar10",
            "loss=wgan_gp",
            "recipe=none",
            "data.batch_size=64",
            "network.discriminator.norm=layer",
        ),
        *_PHOTOGRAPHS,
    ),
    "CIFAR-10 SNGAN": ("experiment=cifar10_sngan", *_PHOTOGRAPHS),
    "CIFAR-10 StyleGAN2": ("experiment=cifar10_stylegan2", *_PHOTOGRAPHS),
    "CIFAR-10 R3GAN": ("experiment=cifar10_r3gan", "data.batch_size=64", *_PHOTOGRAPHS),
    "CIFAR-10 wide DCGAN": ("experiment=cifar10_dcgan_wide", *_PHOTOGRAPHS),
    "CIFAR-10 WGAN-GP ResNet": ("experiment=cifar10_wgan_gp_resnet", *_PHOTOGRAPHS),
    "CIFAR-10 SNGAN projection": ("experiment=cifar10_sngan_projection", *_PHOTOGRAPHS),
    "CIFAR-10 SAGAN": ("experiment=cifar10_sagan", *_PHOTOGRAPHS),
    "CIFAR-10 BigGAN": ("experiment=cifar10_biggan", *_PHOTOGRAPHS),
    "CIFAR-10 BigGAN DiffAugment": ("experiment=cifar10_biggan_diffaugment", *_PHOTOGRAPHS),
    "CIFAR-10 ReACGAN": ("experiment=cifar10_reacgan", *_PHOTOGRAPHS),
    "STL-10 SNGAN": ("experiment=stl10_sngan", "data._target_=bare.RandomFaces", "~data.unlabelled"),
    "CelebA SNGAN": ("experiment=celeba_sngan", "data._target_=bare.RandomFaces", "~data.labels", "~data.colour"),
}
"""Recipes by name: what follows ``python -m ganexp``, on random images in the shape of the real ones."""

UNWRITTEN = ("CIFAR-10 ReACGAN",)
"""Those of models that :func:`bare` does not train."""

_SCORES: dict[type[Loss], tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    NonSaturating: (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda f, r: softplus(-f).mean()),
    Hinge: (lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda f, r: -f.mean()),
    Wasserstein: (lambda r, f: f.mean() - r.mean(), lambda f, r: -f.mean()),
    Relativistic: (lambda r, f: softplus(f - r).mean(), lambda f, r: softplus(r - f).mean()),
}


def players(experiment: Experiment) -> nn.ModuleDict:
    """Return new networks, ``generator``, ``discriminator`` and ``augment``."""
    model, game, data = experiment.model, experiment.game, experiment.game.data
    return nn.ModuleDict(
        {
            "generator": game.network.generator(model.latent_dim, data.shape, model.label_classes, data.value_range),
            "discriminator": game.network.discriminator(data.shape, model.judged_classes),
            "augment": deepcopy(game.augmentation) if isinstance(game.augmentation, Augmentation) else nn.Identity(),
        }
    )


def bare(experiment: Experiment, networks: nn.ModuleDict, x: Tensor, y: Tensor | None) -> Loop:
    """Train by hand, and well.

    Arguments:
        experiment: What to train: the models ``gan`` and ``cgan``, with the losses and penalties above, Adam, any augmentation.
        networks: Made by :func:`players`, and moved to the device.
        x: The raw data, on the device.
        y: Its labels, if the model takes them.
    """
    game, device, latent_dim, noise = experiment.game, x.device, experiment.model.latent_dim, experiment.model.noise
    generator, discriminator, augment = networks["generator"], networks["discriminator"], networks["augment"]
    penalty = game.penalty if isinstance(game.penalty, Regularizer) else None
    pace = game.schedule.pace([penalty.every] if penalty is not None else [])
    d_optimizer, g_optimizer = _adam(game.d_optimizer, discriminator, pace), _adam(game.g_optimizer, generator)
    d_score, g_score = _SCORES[type(game.loss)]
    follow = average(generator, experiment)
    classes = experiment.model.label_classes
    autocast = _autocast(experiment.config["trainer"]["precision"], device)
    size, updates = game.data.batch_size, 0

    def fakes(labels: list[Tensor]) -> Tensor:
        samples: Tensor = generator(latents.draw(noise, size, latent_dim, device), *labels)
        return samples

    while True:
        for index in torch.randperm(len(x)).to(device)[: len(x) // size * size].view(-1, size).unbind():
            real = game.data.decode(x[index])
            labels = [one_hot(y[index], classes).to(real.dtype)] if classes and y is not None else []
            due = penalty if penalty is not None and updates % penalty.every == 0 else None
            joint = due if pace == 1 else None
            discriminator.requires_grad_(True)
            with autocast:
                with torch.set_grad_enabled(game.schedule.reuse_fakes):
                    made = fakes(labels)
                real.requires_grad_(isinstance(joint, R1 | R1R2))
                fake = made.detach().requires_grad_(isinstance(joint, R1R2))
                r, f = discriminator(augment(real), *labels), discriminator(augment(fake), *labels)
                loss = d_score(r, f)
                if joint is not None:
                    loss = loss + joint.every * penalise(joint, real, fake, r, f, lambda x: discriminator(augment(x), *labels))  # noqa: B023
            _descend(d_optimizer, loss)
            if isinstance(due, R1) and joint is None:  # the only one that is lazy here
                with autocast:
                    r = discriminator(augment(real.requires_grad_()), *labels)
                    loss = due.every * penalise(due, real, fake, r, f, discriminator)
                _descend(d_optimizer, loss)
            updates += 1
            if updates % game.schedule.d_steps:
                continue
            discriminator.requires_grad_(False)
            with autocast:
                made = made if game.schedule.reuse_fakes else fakes(labels)
                f = discriminator(augment(made), *labels)
                if game.loss.needs_real:
                    with torch.no_grad():
                        r = discriminator(augment(real), *labels)
                loss = g_score(f, r)
            _descend(g_optimizer, loss)
            follow()
            yield


def penalise(
    penalty: Regularizer, real: Tensor, fake: Tensor, r: Tensor, f: Tensor, judge: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return the term of a penalty on gradients."""
    if isinstance(penalty, GradientPenalty):
        way = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
        between = torch.lerp(fake, real, way).requires_grad_()
        (gradient,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
        return penalty.weight * (gradient.flatten(1).norm(dim=1) - 1).square().mean()
    pairs = {R1: [(r, real)], R1R2: [(r, real), (f, fake)]}[type(penalty)]
    gradients = torch.autograd.grad([logits.sum() for logits, _ in pairs], [x for _, x in pairs], create_graph=True)
    gamma = present(penalty.gamma, Clock())
    return reduce(torch.add, [gradient.square().sum() * (gamma / 2 / len(real)) for gradient in gradients])


def average(generator: nn.Module, experiment: Experiment) -> Callable[[], None]:
    """Return what lets an average follow the generator, if the experiment has one."""
    schedule = experiment.game.schedule
    if (schedule.ema_decay, schedule.ema_images) == (None, None):
        return lambda: None
    weights: list[Tensor] = list(generator.parameters())
    buffers = list(generator.buffers())
    averaged, copies = ([tensor.detach().clone() for tensor in tensors] for tensors in (weights, buffers))

    @torch.no_grad()
    def follow() -> None:
        torch._foreach_lerp_(averaged, weights, 1e-3)
        if buffers:
            torch._foreach_copy_(copies, buffers)

    return follow


def _descend(optimizer: Optimizer, loss: Tensor) -> None:
    """Take a step down a loss."""
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def _autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    kind = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(precision)
    return nullcontext() if kind is None else torch.autocast(device.type, kind)


def _adam(factory: Any, network: nn.Module, pace: float = 1.0) -> Optimizer:
    """Return an optimiser with the options that an experiment's has at the beginning, for so many updates per step."""
    (options,) = make(factory, [nn.Parameter(torch.zeros(1))], pace)[0].param_groups
    same = {name: options[name] for name in ("betas", "eps", "weight_decay", "amsgrad")}
    return Adam(network.parameters(), options["lr"] * pace, fused=True, **same)
