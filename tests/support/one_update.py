"""The named experiments played for an iteration or two, and what a reference in plain PyTorch needs to play them again.

A reference gets the weights that the run began with, the real batches, latents and labels that it drew, and the state of
torch's generator before each dropout. It makes its own losses and updates; both must end with the same weights. All is in
float64: Adam divides gradients by their own size, so what float32 rounds away would become whole steps.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import Unpack

from ganexp.config.compose import compose
from ganexp.data import CIFAR10, MNIST
from ganexp.data.images import ImageOptions
from ganexp.runs.run import Run
from ganexp.training.experiment import Experiment, assemble

QUIET = (
    "metrics=none", "callbacks.scalars.every=1",
    *(f"~callbacks.{name}" for name in ("samples", "evaluation", "health", "checkpoints", "weights", "progress")),
)  # fmt: skip
EXACT = 1e-9


class RandomDigits(MNIST):
    """Some random images in the shape of MNIST, from no file."""

    def prepare(self):
        pass

    def read(self, split):
        generator = torch.Generator().manual_seed(0)
        shape = (32, *type(self).shape)
        images = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        return images, torch.randint(self.num_classes, (32,), generator=generator)


class RandomPhotographs(CIFAR10):
    """Some random images in the shape of CIFAR-10, from no file."""

    prepare, read = RandomDigits.prepare, RandomDigits.read


class RandomScenes(RandomPhotographs):
    """Random images that take the options of STL-10."""

    def __init__(self, root: str | None = None, unlabelled: bool = False, **options: Unpack[ImageOptions]) -> None:
        super().__init__(root, **options)


class RandomFaces(RandomPhotographs):
    """Random images that take the options of CelebA."""

    def __init__(
        self, root: str | None = None, labels: str = "none", colour: str = "rgb", workers: int | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:  # fmt: skip
        super().__init__(root, **options)


class AllDigits(MNIST):
    """Black images, as many as in MNIST."""

    number = 60_000
    prepare = RandomDigits.prepare

    def read(self, split):
        return torch.zeros(self.number, *type(self).shape, dtype=torch.uint8), torch.arange(self.number) % 10


class AllPhotographs(CIFAR10):
    """Black images, as many as in CIFAR-10."""

    number = 50_000
    prepare, read = RandomDigits.prepare, AllDigits.read


class SomePhotographs(AllPhotographs):
    """Black images, few enough to be enlarged."""

    number = 500


RANDOM = {
    "mnist": RandomDigits, "cifar10": RandomPhotographs, "dcgan": RandomPhotographs, "stacked": RandomPhotographs,
    "stl10": RandomScenes, "celeba": RandomFaces,
}  # fmt: skip
BLACK = {"mnist": AllDigits, "cifar10": AllPhotographs, "dcgan": SomePhotographs}


def data_of(name: str, kinds: dict[str, type]) -> tuple[str, ...]:
    """Return the override that gives an experiment images from no file, if images are its data."""
    kind = kinds.get(name.partition("_")[0])
    return () if kind is None else (f"data._target_=support.one_update.{kind.__name__}",)


@cache
def whole(name: str) -> Experiment:
    """Prepare an experiment exactly as it is named, but unmeasured, on a data set of the true size; for reading only."""
    config = compose(f"experiment={name}", "trainer.accelerator=cpu", "metrics=none", *data_of(name, BLACK))
    return assemble(config, Run(Path("unused")))


@dataclass
class Played:
    """What happened in a run, in the order in which it happened."""

    training: Experiment
    before: dict[str, nn.Module]
    """Copies of both players as they began, and of the proxies of classes where there are some."""
    augmentation: nn.Module | None
    """A copy of the augmentation as it began."""
    batches: list[list[tuple[Tensor, Tensor]]] = field(default_factory=list)
    """Of each iteration, one per update of the discriminator."""
    z: list[Tensor] = field(default_factory=list)
    y: list[Tensor] = field(default_factory=list)
    """Labels that were drawn."""
    random: list[Tensor] = field(default_factory=list)
    """States of torch's generator before each batch of fakes by a generator in training mode."""
    observed: dict[str, list[Tensor]] = field(default_factory=lambda: defaultdict(list))


def play(folder: Path, name: str, *overrides: str, iterations: int = 2) -> Played:
    """Train an experiment for some iterations, through Lightning, and keep all that it drew and observed."""
    config = compose(
        f"experiment={name}", *QUIET, "trainer.accelerator=cpu", "trainer.precision=64-true", "trainer.max_epochs=null",
        f"trainer.max_iterations={iterations}", *data_of(name, RANDOM), *overrides,
    )  # fmt: skip
    training = assemble(config, Run(folder / name))
    model = training.model
    before = {"d": copy.deepcopy(model.discriminator), "g": copy.deepcopy(model.generator)}
    before |= {"proxies": copy.deepcopy(model.proxies)} if hasattr(model, "proxies") else {}
    played = Played(training, before, copy.deepcopy(model.augmentation))
    methods = ("sample_latent", "sample_labels", "generate", "observe", "training_step")
    wrapped = {method: getattr(model, method) for method in methods}

    def sample_latent(*arguments):
        played.z.append(wrapped["sample_latent"](*arguments))
        return played.z[-1]

    def sample_labels(*arguments):
        played.y.append(wrapped["sample_labels"](*arguments))
        return played.y[-1]

    def generate(generator, z, y):
        if generator.training:
            played.random.append(torch.get_rng_state())
        return wrapped["generate"](generator, z, y)

    def observe(tag, value):
        played.observed[tag].append(value.detach().clone())
        wrapped["observe"](tag, value)

    def training_step(group, batch_idx):
        played.batches.extend(group)
        wrapped["training_step"](group, batch_idx)

    for wrapper in (sample_latent, sample_labels, generate, observe, training_step):
        setattr(model, wrapper.__name__, wrapper)
    training.trainer.fit(model, datamodule=training.data)
    assert model.counters.iteration == iterations == len(played.batches)
    return played


class Reference:
    """Two players of plain PyTorch in the place of those of a run, each with its optimiser.

    Arguments:
        played: The run, from whose first weights the players start; they are taken in order, and their shapes must agree.
        generator: Maps z, with any label appended to it, to samples.
        discriminator: Maps samples to logits.
        make: Makes the optimisers of the discriminator and of the generator.
    """

    def __init__(
        self,
        played: Played,
        generator: nn.Module,
        discriminator: nn.Module,
        make: tuple[Callable[[Iterable[nn.Parameter]], Optimizer], Callable[[Iterable[nn.Parameter]], Optimizer]],
    ) -> None:
        self.g, self.d = generator.double(), discriminator.double()
        for mine, its in ((self.g, played.before["g"]), (self.d, played.before["d"])):
            for parameter, other in zip(mine.parameters(), its.parameters(), strict=True):
                assert parameter.shape == other.shape
                parameter.data = other.detach().double().clone(memory_format=torch.contiguous_format)
        self.optimizers = {"d": make[0](self.d.parameters()), "g": make[1](self.g.parameters())}
        self.losses: dict[str, list[Tensor]] = defaultdict(list)

    def owned(self, player: str) -> list[nn.Parameter]:
        """Return what a player's optimiser moves."""
        return list(getattr(self, player).parameters())

    def learn(self, player: str, **terms: Tensor) -> None:
        """Set the gradient of a player's weights to that of the terms' sum, and nobody else's."""
        total = sum(terms.values(), torch.zeros(()))
        for tag, value in ((f"loss/{player}", total), *((f"loss/{player}/{name}", term) for name, term in terms.items())):
            self.losses[tag].append(value.detach())
        parameters = self.owned(player)
        gradients = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient

    def step(self, player: str) -> None:
        """Move a player along its gradient."""
        self.optimizers[player].step()

    def check(self, played: Played, still: Collection[str] = ()) -> None:
        """Compare losses, weights and statistics of batch norm with those of the run at its end; all have moved but some."""
        observed = {tag: values for tag, values in played.observed.items() if tag.startswith("loss/")}
        assert observed.keys() == self.losses.keys()
        for tag, values in self.losses.items():
            _close(tag, torch.stack(observed[tag]), torch.stack(values))
        model = played.training.model
        for mine, its, before in ((self.d, model.discriminator, "d"), (self.g, model.generator, "g")):
            pairs = zip(mine.parameters(), its.named_parameters(), played.before[before].parameters(), strict=True)
            for parameter, (name, other), first in pairs:
                _close(name, other, parameter)
                assert name in still or not torch.equal(other, first.double()), f"{name} has not moved"
            for buffer, (name, other) in zip(mine.buffers(), its.named_buffers(), strict=True):
                _close(name, other, buffer)


def _close(name: str, its: Tensor, mine: Tensor) -> None:
    torch.testing.assert_close(its, mine, rtol=EXACT, atol=EXACT, msg=lambda text: f"{name}: {text}")


# Layers and formulas of references --------------------------------------------------------------------------------------------


class Apply(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def to_map(side: int) -> Apply:
    """Reshape vectors to maps as Keras does, which keeps channels last."""
    return Apply(lambda x: x.reshape(len(x), side, side, -1).permute(0, 3, 1, 2))


def from_map() -> Apply:
    """Flatten maps as Keras does."""
    return Apply(lambda x: x.permute(0, 2, 3, 1).flatten(1))


def with_label(x: Tensor, y: Tensor, classes: int) -> Tensor:
    """Append one-hot labels to vectors."""
    labels = torch.zeros(len(y), classes, dtype=x.dtype)
    labels[torch.arange(len(y)), y] = 1
    return torch.cat([x, labels], 1)


def bce(logits: Tensor, target: float) -> Tensor:
    """Return the cross-entropy of sigmoid(logits) with a label for all."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
