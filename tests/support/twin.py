"""A preset's first iterations in plain PyTorch: losses, penalties, lazy steps, schedules and averages from their formulas.

The players, augmentations and the changes of consistency are copies of the run's as it began.
"""

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, one_hot, relu, softplus
from torch.optim import Adam

from ganexp.models.streams import Streams
from support.one_update import Played, Reference

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
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
}
"""The discriminator's and the generator's loss of the logits of real and of fake samples."""

Number = Callable[[float], float]


def ramp(first: float, last: float) -> Number:
    """Half a cosine wave, of the share of its way that is done."""
    return lambda done: last + (first - last) * (1 + math.cos(math.pi * done)) / 2


def straight(first: float, last: float) -> Number:
    return lambda done: first + (last - first) * done


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
    """Whether both players are told them; with embeddings, only the generator is, and labels are drawn for its samples."""
    groups: bool = False
    """Whether the discriminator compares samples, so that it judges real and fake ones apart."""
    probability: Number | None = None


def same(rate: float) -> tuple[Number, Number]:
    return always(rate), always(rate)


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
        self.embeds = recipe.term == "embeddings"
        if self.embeds:
            self.proxies = deepcopy(played.before["proxies"]).double()
            self.optimizers["d"].add_param_group({"params": self.proxies.parameters()})
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
        z, labels, random = iter(played.z), iter(played.y), iter(played.random)
        for batches in played.batches:
            self.set_numbers()
            for real, y in batches:
                wanted = next(labels, y)
                self.move_d(real, y, self.generate(next(z), wanted, random).detach())
            latents, wanted = next(z), next(labels, y)
            self.move_g(batches[-1][0], wanted, latents, random)
            self.follow(sum(len(y) for _, y in batches))
        assert next(z, None) is next(labels, None) is None, "more was drawn than is needed"

    def set_numbers(self) -> None:
        recipe, done = self.recipe, min(self.images / RAMP, 1.0)
        for player, rate, pace in zip("dg", recipe.rates, recipe.paces, strict=True):
            factor = 1 - self.iterations / self.total if recipe.linear else 1.0
            for group in self.optimizers[player].param_groups:
                group.update(lr=rate(done) * factor * pace, betas=(recipe.betas[0], recipe.betas[1](done) ** pace))
        if recipe.probability is not None:
            self.augment.probability = recipe.probability(done)
        self.gamma = None if recipe.gamma is None else recipe.gamma(done)
        self.half_life = None if recipe.half_life is None else recipe.half_life(done)

    def owned(self, player: str) -> list[nn.Parameter]:
        return [*super().owned(player), *(self.proxies.parameters() if player == "d" and self.embeds else [])]

    def labels(self, y: Tensor) -> list[Tensor]:
        return [one_hot(y, CLASSES).double()] if self.recipe.labels else []

    def generate(self, z: Tensor, y: Tensor, random: Iterator[Tensor]) -> Tensor:
        torch.set_rng_state(next(random))  # for the noise of a layer
        return self.g(z, *self.labels(y))

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits, and keep the embeddings."""
        x = x if self.augment is None else self.augment(x)
        outputs = self.d(x) if self.embeds else self.d(x, *self.labels(y))
        logits, self.embedded = outputs[:, 0], outputs[:, 1:]
        return logits

    def move_d(self, real: Tensor, y: Tensor, fake: Tensor) -> None:
        recipe = self.recipe
        due, apart = self.gamma is not None and self.updates % recipe.every == 0, recipe.paces[0] < 1
        real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
        if recipe.groups:
            r, embedded = self.judge(real, y), self.embedded
            f = self.judge(fake, y)
        else:
            r, f = self.judge(torch.cat([real, fake]), torch.cat([y, y])).chunk(2)
            embedded = self.embedded.chunk(2)[0]
        terms = {"adversarial": LOSSES[recipe.loss][0](r, f), **self.classes(embedded, y)}
        self.look(r)
        if due and not apart:
            terms["penalty"] = self.slopes([(r, real), (f, fake)] if recipe.both else [(r, real)])
        if recipe.term == "lecam":
            terms["penalty"] = self.lecam(r, f)
        if recipe.term == "consistency":
            terms["penalty"] = 10 * (r - self.judge(self.change(real), y)).square().mean()
        if recipe.term == "gradient":
            share = torch.rand(len(y), 1, 1, 1, dtype=torch.double, generator=self.noise)
            between = (share * real + (1 - share) * fake).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.judge(between, y).sum(), between, create_graph=True)
            terms["penalty"] = 10 * (gradient.square().sum((1, 2, 3)).sqrt() - 1).square().mean()
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

    def classes(self, embedded: Tensor, y: Tensor) -> dict[str, Tensor]:
        """ReACGAN's term, written as its authors' code has it: what is not easy enough, and what is not hard enough."""
        if not self.embeds:
            return {}
        margin, temperature = 0.98, 0.25
        embedded, proxies = normalize(embedded, dim=1), normalize(self.proxies.weight[y], dim=1)
        easy = relu(margin - (embedded * proxies).sum(1)) / temperature
        hard = relu(embedded @ embedded.T + margin - 1) / temperature
        others = (hard.exp() * (y[:, None] != y)).sum(1)
        return {"class": 0.25 * (easy + ((-easy).exp() + others).log()).mean()}

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
        self.learn("g", adversarial=LOSSES[self.recipe.loss][1](r, f), **self.classes(self.embedded, y))
        self.step("g")
        if self.recipe.term == "path length" and self.iterations % 4 == 0:
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
