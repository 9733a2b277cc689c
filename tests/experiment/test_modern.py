"""The first iterations of the presets with the networks of today against plain PyTorch, at a small width.

Networks, augmentations and the changes of consistency are copies of the run's as it began; tests of their own hold them against
their definition. All else is written out from the papers' formulas: losses, penalties, LeCam's means, path lengths, lazy terms
and the rates that go with them, schedules in the middle of their ramp, ADA's p, and the average of the generator.
"""

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot, relu, softplus
from torch.optim import Adam

from ganexp.models.streams import Streams
from support.one_update import EXACT, Played, Reference, play

CLASSES = 10
RAMP = 12  # real images in which the schedules of R3GAN reach their end: 3 batches of 4
Score = Callable[[Tensor, Tensor], Tensor]
LOSSES: dict[str, tuple[Score, Score]] = {
    "hinge": (lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda r, f: -f.mean()),
    "logistic": (
        lambda r, f: -torch.sigmoid(r).log().mean() - (1 - torch.sigmoid(f)).log().mean(),
        lambda r, f: -torch.sigmoid(f).log().mean(),
    ),
    "relativistic": (lambda r, f: softplus(f - r).mean(), lambda r, f: softplus(r - f).mean()),
}
"""The discriminator's and the generator's loss of the logits of real and of fake samples."""

Number = Callable[[float], float]


def ramp(first: float, last: float) -> Number:
    """Half a cosine wave, of the share of its way that is done."""
    return lambda done: last + (first - last) * (1 + math.cos(math.pi * done)) / 2


def always(value: float) -> Number:
    return lambda done: value


@dataclass(frozen=True)
class Recipe:
    """What a preset trains with, by player where it differs."""

    loss: str
    rates: tuple[Number, Number]
    betas: tuple[float, Number]
    paces: tuple[float, float] = (1.0, 1.0)
    """c = k / (k + 1) of lazy terms that are steps of their own, every k updates."""
    linear: bool = False
    """Whether rates fall to 0 over the run."""
    gamma: Number | None = None
    """Strength of R1."""
    every: int = 1
    both: bool = False
    """Whether fakes are penalised as real samples are."""
    term: str | None = None
    half_life: Number | None = None
    """Of the average, in images."""
    decay: float | None = None
    warm: bool = True
    labels: bool = True
    groups: bool = False
    """Whether the discriminator compares samples, so that it judges real and fake ones apart."""
    probability: Number | None = None


def same(rate: float) -> tuple[Number, Number]:
    return always(rate), always(rate)


def sngan(**options) -> Recipe:
    return Recipe("hinge", **{"rates": same(2e-4), "betas": (0.5, always(0.999))} | options)


def stylegan2(**options) -> Recipe:
    plain = {"rates": same(0.0025), "betas": (0.0, always(0.99)), "groups": True}
    return Recipe("logistic", **plain | options)


R3GAN = Recipe(
    "relativistic", 2 * (ramp(2e-4, 5e-5),), (0.0, ramp(0.9, 0.99)), gamma=ramp(0.05, 0.005), both=True, warm=False,
)  # fmt: skip
PUBLISHED = stylegan2(
    rates=(always(0.0025), always(0.0025)), gamma=always(0.01), every=16, paces=(16 / 17, 4 / 5), half_life=always(500_000),
)  # fmt: skip
BIGGAN = sngan(decay=0.9999)
WIDTHS = ("network.generator.channels=4", "network.discriminator.channels=4")
BIG = (*WIDTHS, "network.generator.embedding=3", "model.latent_dim=8")
STYLES = (*WIDTHS, "network.generator.style_dim=6", "network.discriminator.mapping_layers=2", "model.latent_dim=6")
SHORT = tuple(
    f"{key}.images={RAMP}" for key in ("penalty.gamma", "optimizer.lr", "optimizer.betas.1", "schedule.ema_images")
)  # fmt: skip
PHOTOGRAPHS = ("data=cifar10", "data._target_=support.one_update.RandomPhotographs")

PRESETS: dict[str, tuple[tuple[str, ...], Recipe]] = {
    "cifar10_sngan": (WIDTHS, sngan(betas=(0.0, always(0.9)), linear=True, labels=False)),
    "mnist_sngan_small": (WIDTHS, sngan(rates=same(4e-4), betas=(0.0, always(0.9)), linear=True, labels=False, decay=0.999)),
    "cifar10_sngan_projection": (WIDTHS, sngan()),
    "cifar10_sagan": (WIDTHS, sngan()),
    "cifar10_biggan": (BIG, BIGGAN),
    "cifar10_biggan_diffaugment": (BIG, BIGGAN),
    "cifar10_biggan_diffaugment_lecam": (
        (*BIG, "penalty.start=1", "penalty.decay=0.9"),
        sngan(decay=0.9999, term="lecam"),
    ),
    "cifar10_biggan_diffaugment_cr": (BIG, sngan(decay=0.9999, term="consistency")),
    "cifar10_stylegan2": (STYLES, PUBLISHED),
    "cifar10_stylegan2_ada": ((*STYLES, "augmentation.probability=0.6", "augmentation.every=1"), PUBLISHED),
    "folder_stylegan2_ada": (
        (*PHOTOGRAPHS, *STYLES, "augmentation.probability=0.6", "augmentation.every=1"),
        stylegan2(
            gamma=always(0.0256), every=16, paces=(16 / 17, 4 / 5), half_life=always(10_000), labels=False, term="path length"
        ),
    ),
    "digits_stylegan2_small": (STYLES, stylegan2(gamma=always(1.0), every=8, half_life=always(5000))),
    "cifar10_r3gan": (
        (*WIDTHS, *SHORT, f"augmentation.probability.images={RAMP}"),
        Recipe(**vars(R3GAN) | {"half_life": ramp(0.0, 5e6), "probability": ramp(0.0, 0.55)}),
    ),
    "cifar10_r3gan_small": ((*WIDTHS, *SHORT), Recipe(**vars(R3GAN) | {"half_life": ramp(0.0, 1e4)})),
    "stacked_mnist_r3gan": (
        WIDTHS,
        Recipe("relativistic", same(2e-4), (0.0, always(0.99)), gamma=always(1.0), both=True, decay=0.999, labels=False),
    ),
}


class Twin(Reference):
    """The players of a preset, and what it trains them with."""

    def __init__(self, played: Played, recipe: Recipe) -> None:
        make = [
            partial(Adam, lr=rate(0.0) * pace, betas=(recipe.betas[0], recipe.betas[1](0.0) ** pace))
            for rate, pace in zip(recipe.rates, recipe.paces, strict=True)
        ]
        super().__init__(played, deepcopy(played.before["g"]), deepcopy(played.before["d"]), (make[0], make[1]))
        self.recipe, self.updates, self.images, self.iterations = recipe, 0, 0, 0
        self.average, model = deepcopy(self.g), played.training.model
        streams = Streams(0, torch.device("cpu"))
        self.augment, self.noise = deepcopy(played.augmentation), streams["regularizers"]
        if self.augment is not None:
            self.augment.double().random = streams["augmentation"]
        self.p = getattr(self.augment, "p", None)
        self.anchors, self.length, self.total = torch.zeros(2, dtype=torch.double), 0.0, model.total_iterations
        self.change = None
        if recipe.term == "consistency":
            self.change = model.regularizers["penalty"].change
            model.regularizers["penalty"].random = self.noise  # the run is over

    def play(self, played: Played) -> None:
        """Repeat the run, whose random numbers are of float64."""
        torch.set_default_dtype(torch.double)
        z, random = iter(played.z), iter(played.random)
        for batches in played.batches:
            self.set_numbers()
            for real, y in batches:
                self.move_d(real, y, self.generate(next(z), y, random).detach())
            latents = next(z)
            self.move_g(batches[-1][0], batches[-1][1], latents, random)
            self.follow(sum(len(y) for _, y in batches))
        assert next(z, None) is None, "more was drawn than is needed"

    def set_numbers(self) -> None:
        recipe, done = self.recipe, min(self.images / RAMP, 1.0)
        for player, rate, pace in zip("dg", recipe.rates, recipe.paces, strict=True):
            factor = 1 - self.iterations / self.total if recipe.linear else 1.0
            (group,) = self.optimizers[player].param_groups
            group.update(lr=rate(done) * factor * pace, betas=(recipe.betas[0], recipe.betas[1](done) ** pace))
        if recipe.probability is not None:
            self.augment.probability = recipe.probability(done)
        self.gamma = None if recipe.gamma is None else recipe.gamma(done)
        self.half_life = None if recipe.half_life is None else recipe.half_life(done)

    def labels(self, y: Tensor) -> list[Tensor]:
        return [one_hot(y, CLASSES).double()] if self.recipe.labels else []

    def generate(self, z: Tensor, y: Tensor, random: Iterator[Tensor]) -> Tensor:
        torch.set_rng_state(next(random))  # for the noise of a layer
        return self.g(z, *self.labels(y))

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        return self.d(x if self.augment is None else self.augment(x), *self.labels(y)).squeeze(1)

    def move_d(self, real: Tensor, y: Tensor, fake: Tensor) -> None:
        recipe = self.recipe
        due, apart = self.gamma is not None and self.updates % recipe.every == 0, recipe.paces[0] < 1
        real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
        if recipe.groups:
            r, f = self.judge(real, y), self.judge(fake, y)
        else:
            r, f = self.judge(torch.cat([real, fake]), torch.cat([y, y])).chunk(2)
        terms = {"adversarial": LOSSES[recipe.loss][0](r, f)}
        self.look(r)
        if due and not apart:
            terms["penalty"] = self.slopes([(r, real), (f, fake)] if recipe.both else [(r, real)])
        if recipe.term == "lecam":
            terms["penalty"] = self.lecam(r, f)
        if recipe.term == "consistency":
            terms["penalty"] = 10 * (r - self.judge(self.change(real), y)).square().mean()
        self.learn("d", **terms)
        self.step("d")
        if due and apart:
            self.lazily("d", penalty=self.slopes([(self.judge(real, y), real)]))
        self.updates += 1

    def slopes(self, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
        """R1, or R1 and R2: the squared gradient by the images that were not augmented yet."""
        found = (torch.autograd.grad(logits.sum(), x, create_graph=True)[0] for logits, x in pairs)
        norms = sum(gradient.square().sum((1, 2, 3)).mean() for gradient in found)
        return self.recipe.every * self.gamma / 2 * norms

    def lecam(self, r: Tensor, f: Tensor) -> Tensor:
        """No term in the first update, whose means are its own; from then on a tenth of the means is new."""
        now = torch.stack([r.detach().mean(), f.detach().mean()])
        self.anchors = 0.9 * self.anchors + 0.1 * now if self.updates else now
        a_real, a_fake = self.anchors
        return 0.3 * (relu(r - a_fake).square().mean() + relu(a_real - f).square().mean()) * (self.updates > 0)

    def look(self, r: Tensor) -> None:
        """ADA with a step of p for each batch."""
        if self.p is not None and self.recipe.probability is None:
            up = torch.sign(r.detach().sign().mean() - 0.6)
            self.p.copy_((self.p + up * len(r) / 500_000).clamp(min=0))

    def move_g(self, real: Tensor, y: Tensor, z: Tensor, random: Iterator[Tensor]) -> None:
        f = self.judge(self.generate(z, y, random), y)
        with torch.no_grad():
            r = self.judge(real, y) if self.recipe.loss == "relativistic" else f
        self.learn("g", adversarial=LOSSES[self.recipe.loss][1](r, f))
        self.step("g")
        if self.recipe.term == "path length" and self.iterations % 4 == 0:
            next(random)  # fakes that no term looks at
            torch.set_rng_state(next(random))
            self.lazily("g", path_length=self.path_length(z[: len(z) // 2]))

    def path_length(self, z: Tensor) -> Tensor:
        styles = self.g.mapping(z)
        images = self.g.draw(styles)
        noise = torch.randn(images.shape, dtype=torch.double, generator=self.noise) / 32
        (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        lengths = gradient.square().sum(2).mean(1).sqrt()
        self.length = 0.99 * self.length + 0.01 * lengths.detach().mean().item()
        return 4 * 2 * (lengths - self.length).square().mean()

    def lazily(self, player: str, **term: Tensor) -> None:
        """Take a step of a lazy term alone, which is no loss of the player."""
        self.learn(player, **term)
        self.losses[f"loss/{player}"].pop()
        self.step(player)

    @torch.no_grad()
    def follow(self, images: int) -> None:
        recipe, decay = self.recipe, self.recipe.decay
        if self.half_life is not None:
            decay = 0.5 ** (images / self.half_life) if self.half_life else 0.0
        if decay is not None:
            decay = min(decay, (1 + self.iterations) / (10 + self.iterations)) if recipe.warm else decay
            for mine, its in zip(self.average.parameters(), self.g.parameters(), strict=True):
                mine.copy_(decay * mine + (1 - decay) * its)
        self.iterations += 1
        self.images += images


@pytest.mark.parametrize("name", PRESETS)
def test_the_first_iterations_are_those_of_plain_pytorch(tmp_path, name):
    small, recipe = PRESETS[name]
    iterations = 3 if recipe.loss == "relativistic" else 2
    played = play(tmp_path, name, "data.batch_size=4", *small, iterations=iterations)
    twin, model = Twin(played, recipe), played.training.model
    try:
        twin.play(played)
    finally:
        torch.set_default_dtype(torch.float)
    # All logits within the margins of the hinge loss are moved up as much as down.
    twin.check(played, still=("output.bias",) if recipe.loss == "hinge" else ())
    assert (model.average is None) == (recipe.decay is None and recipe.half_life is None)
    if model.average is not None:
        for its, mine in zip(model.average.module.parameters(), twin.average.parameters(), strict=True):
            torch.testing.assert_close(its, mine, rtol=EXACT, atol=EXACT)
    if twin.p is not None:
        assert float(model.augmentation.p) == pytest.approx(float(twin.p), abs=EXACT)
    if recipe.term == "lecam":
        torch.testing.assert_close(model.regularizers["penalty"].anchors, twin.anchors, rtol=EXACT, atol=EXACT)
    if recipe.term == "path length":
        assert float(model.regularizers["path_length"].mean) == pytest.approx(twin.length, abs=EXACT)
