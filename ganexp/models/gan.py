"""The whole training algorithm: a generator and a discriminator that move in turns.

With G the generator, D the discriminator's logit, x real and z latent, one iteration is, in this order,

* ``d_steps`` times: a step of the discriminator's optimiser down ``loss.discriminator(D(x), D(G(z))) + penalty``, G fixed;
* ``g_steps`` times: a step of the generator's optimiser down ``loss.generator(D(G(z)), D(x))``, D fixed;
* the average of the generator (if any) follows.

``schedule`` varies the order (see :class:`ganexp.models.schedule.Schedule`). Losses and penalties see nothing but
:meth:`GAN.critic`, so a variant that redefines what the critic is asked works with all of them.

In batch-normalised discriminators real and fake samples are judged in separate forward passes, each with its own statistics.
"""

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.models.average import Average
from ganexp.models.base import TwoPlayerModule
from ganexp.models.functional import in_mode, one_hot
from ganexp.models.game import Game

Batch = tuple[Tensor, Tensor]
"""Samples with shape (B, *shape) and their labels with shape (B,), zeros when the data has none."""


class Fakes(NamedTuple):
    """Generated samples with shape (B, *shape), the labels (B,) and the latents (B, latent_dim) that they were made from."""

    x: Tensor
    y: Tensor
    z: Tensor


class GAN(TwoPlayerModule):
    """Unconditional GAN; the base of every variant.

    A variant says which labels its players take (the class variables and properties), redefines :meth:`critic` and, to add
    terms to the losses, :meth:`discriminator_terms` and :meth:`generator_terms`.

    Arguments:
        game: What the players are made of and what they play by.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: ``normal`` is N(0, 1), ``uniform`` is U(-1, 1).

    Raises:
        ConfigError: The variant needs labels, and the data has none; or a network or penalty does not fit.

    Attributes:
        conditional: Whether the generator is told the data's labels.
        needs_labels: Whether the real samples' labels are used in another way.
        draws_labels: Whether fakes get labels of their own, instead of those of the real samples that they meet.
    """

    conditional: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = False
    draws_labels: ClassVar[bool] = False

    def __init__(self, game: Game, latent_dim: PositiveInt = 100, noise: Literal["normal", "uniform"] = "normal") -> None:
        super().__init__(game.lr_schedule, game.schedule.gradient_clip)
        data, network, schedule = game.data, game.network, game.schedule
        if (self.conditional or self.needs_labels) and data.num_classes == 0:
            raise ConfigError("this model needs labels, and the data has none", "model", "data", hint="use model=gan")
        self.loss, self.penalty, self.schedule = game.loss, game.penalty, schedule
        self.data, self.num_classes, self.latent_dim, self.noise = data, data.num_classes, latent_dim, noise
        self.generator = network.generator(latent_dim, data.shape, self.label_classes, data.value_range)
        self.discriminator = network.discriminator(data.shape, self.judged_classes, self.outputs)
        self.penalty.check(self.discriminator)
        self.set_players(
            {"d": self.discriminator, "g": self.generator}, {"d": game.d_optimizer, "g": game.g_optimizer}
        )  # fmt: skip
        self.average = None if schedule.ema_decay is None else Average(self.generator, schedule.ema_decay, schedule.ema_warmup)

    # What a variant may redefine -------------------------------------------------------------------------------------------

    @property
    def label_classes(self) -> int:
        """Number of classes that the generator is told; 0: it is told none."""
        return self.num_classes if self.conditional else 0

    @property
    def label_names(self) -> tuple[str, ...] | None:
        """Names of the generator's classes, if they have any."""
        return self.data.class_names if self.conditional else None

    @property
    def judged_classes(self) -> int:
        """Number of classes that the discriminator is told; 0: it is told none."""
        return 0

    @property
    def outputs(self) -> int:
        """Number of the discriminator's outputs."""
        return 1

    def generate(self, generator: nn.Module, z: Tensor, y: Tensor) -> Tensor:
        """Return ``generator``'s samples with shape (B, *shape) for latents (B, latent_dim) and labels (B,)."""
        return generator(z, one_hot(y, self.label_classes, z)) if self.label_classes else generator(z)

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is real" for samples (B, *shape) and labels (B,)."""
        return self.discriminator(x).squeeze(1)

    def discriminator_terms(self, real: Tensor, y: Tensor, fakes: Fakes) -> dict[str, Tensor]:
        """Return the named terms of the discriminator's loss; their sum goes down."""
        return self.adversarial(self.critic(real, y), self.critic(fakes.x, fakes.y))

    def generator_terms(self, real: Tensor, y: Tensor, fakes: Fakes) -> dict[str, Tensor]:
        """Return the named terms of the generator's loss; their sum goes down."""
        return {"adversarial": self.loss.generator(self.critic(fakes.x, fakes.y), self.real_logits(real, y))}

    def evaluate(self) -> dict[str, float]:
        """Return measures that only the model itself can give; training goes on unchanged."""
        return {}

    # What terms are made of ------------------------------------------------------------------------------------------------

    def adversarial(self, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
        """Return the discriminator's term from the two logits with shape (B,), and watch these."""
        self.observe("logits/real", real_logits)
        self.observe("logits/fake", fake_logits)
        return {"adversarial": self.loss.discriminator(real_logits, fake_logits)}

    def real_logits(self, real: Tensor, y: Tensor) -> Tensor | None:
        """Return the logits of real samples if the generator's loss asks for them."""
        if not self.loss.needs_real:
            return None
        with torch.no_grad():
            return self.critic(real, y)

    # Sampling --------------------------------------------------------------------------------------------------------------

    def sample_latent(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` latents with shape (n, latent_dim), on the generator's own device: there it means the same anywhere."""
        device = self.device if generator is None else generator.device
        if self.noise == "uniform":
            z = torch.rand(n, self.latent_dim, device=device, generator=generator).mul_(2).sub_(1)
        else:
            z = torch.randn(n, self.latent_dim, device=device, generator=generator)
        return z.to(self.device)

    def sample_labels(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` labels for the generator, as frequent as in the data; zeros when it is told none."""
        device = self.device if generator is None else generator.device
        weights = self.data.class_weights if self.conditional else None
        if weights is not None:
            y = torch.multinomial(torch.tensor(weights, device=device), n, replacement=True, generator=generator)
        else:
            y = torch.randint(max(self.label_classes, 1), (n,), device=device, generator=generator)
        return y.to(self.device)

    @torch.no_grad()
    def sample(self, z: Tensor, y: Tensor) -> Tensor:
        """Return samples with shape (n, *shape) in the data's range, from the averaged generator when there is one.

        The generator works in evaluation mode and is left as it was: sampling never changes training.
        """
        generator = self.generator if self.average is None else self.average.module
        with in_mode(generator, "eval"):
            return self.generate(generator, z, y).float()

    # The algorithm ---------------------------------------------------------------------------------------------------------

    def training_step(self, group: Sequence[Sequence[Batch]], batch_idx: int) -> None:
        """Run the iterations of a group; each brings one batch per discriminator update."""
        for batches in group:
            self.set_learning_rates()
            if self.schedule.update == "simultaneous":
                self._update_together(batches[0])
            else:
                self._update_in_turns(batches)
            if self.average is not None:
                self.average.update(self.generator)
            self.count_iteration(images=sum(len(y) for _, y in batches))

    def _update_in_turns(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            latents = self._latents(batch)
            fakes = self._fakes_for_d(latents)
            self._discriminator_backward(batch, fakes)
            self.step("d")
            self.penalty.constrain(self.discriminator)
        for step in range(self.schedule.g_steps):
            if not self.schedule.reuse_fakes:
                if step or self.schedule.latents == "fresh":
                    latents = self._latents(batches[-1])
                fakes = self._fakes(latents)
            self._generator_backward(batches[-1], fakes)
            self.step("g")

    def _update_together(self, batch: Batch) -> None:
        latents = self._latents(batch)
        fakes = self._fakes_for_d(latents)
        self._discriminator_backward(batch, fakes)
        if not self.schedule.reuse_fakes:
            fakes = self._fakes(latents if self.schedule.latents == "shared" else self._latents(batch))
        self._generator_backward(batch, fakes)
        self.step("d", "g")
        self.penalty.constrain(self.discriminator)

    def _latents(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Draw one latent and one label per real sample."""
        # Every process draws those of the whole batch and takes its part: one process or many, the same fakes.
        y, processes = batch[1], self._world_size
        z = self.sample_latent(len(y) * processes, self._noise).tensor_split(processes)[self._rank]
        if self.draws_labels:
            y = self.sample_labels(len(y) * processes, self._noise).tensor_split(processes)[self._rank]
        return z, y

    def _fakes_for_d(self, latents: tuple[Tensor, Tensor]) -> list[Fakes]:
        with torch.set_grad_enabled(self.schedule.reuse_fakes), in_mode(self.generator, self.schedule.fakes_mode):
            return self._fakes(latents)

    def _fakes(self, latents: tuple[Tensor, Tensor]) -> list[Fakes]:
        """Generate a list of micro-batches."""
        pieces = zip(*map(self._cut, latents), strict=True)
        return [Fakes(self.generate(self.generator, z, y), y, z) for z, y in pieces]

    def _discriminator_backward(self, batch: Batch, fakes: Sequence[Fakes]) -> None:
        self.set_frozen("d", False)
        penalise = self.penalty.active and self.counters.d_updates % self.penalty.every == 0
        for real, y, made in zip(self._cut(batch[0]), self._cut(batch[1]), fakes, strict=True):
            fake = made._replace(x=made.x.detach())
            terms = self.discriminator_terms(real, y, fake)
            if penalise:
                # Applied less often, it weighs more (lazy regularisation, Karras et al., 2020).
                terms["penalty"] = self.penalty(self.critic, real, fake.x, y, fake.y) * self.penalty.every
            self._backward("d", terms, share=len(y) / len(batch[1]))

    def _generator_backward(self, batch: Batch, fakes: Sequence[Fakes]) -> None:
        self.set_frozen("d", True)
        for real, y, fake in zip(self._cut(batch[0]), self._cut(batch[1]), fakes, strict=True):
            self._backward("g", self.generator_terms(real, y, fake), share=len(y) / len(batch[1]))

    def _backward(self, player: str, terms: dict[str, Tensor], share: float) -> None:
        """Gather the gradient of the terms' sum, times the micro-batch's share of the batch."""
        total = reduce(torch.add, terms.values())
        self.observe(f"loss/{player}", total)
        for name, term in terms.items():
            self.observe(f"loss/{player}/{name}", term)
        self.accumulate(total if share == 1 else total * share)

    def _cut(self, x: Tensor) -> Sequence[Tensor]:
        return (x,) if self.schedule.micro_batches == 1 else x.tensor_split(min(self.schedule.micro_batches, len(x)))
