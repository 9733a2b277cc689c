"""The whole training algorithm: a generator and a discriminator that move in turns.

With G the generator, D the discriminator's logit, x real and z latent, one iteration is, in this order,

* ``d_steps`` times: a step of the discriminator's optimiser down ``loss.discriminator(D(x), D(G(z))) + penalty``, G fixed;
* ``g_steps`` times: a step of the generator's optimiser down ``loss.generator(D(G(z)), D(x))``, D fixed;
* the average of the generator (if any) follows.

``schedule`` varies the order (see :class:`ganexp.schedule.Schedule`). Losses and penalties see nothing but
:meth:`GAN.critic`, so a variant that redefines what the critic is asked works with all of them.

In batch-normalised discriminators real and fake samples are judged in separate forward passes, each with its own statistics.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganexp.data.base import Data
from ganexp.losses import Loss
from ganexp.models.base import MakeOptimizer, TwoPlayerModule
from ganexp.models.ema import Average
from ganexp.networks import Networks
from ganexp.penalties import Penalty
from ganexp.schedule import Schedule
from ganexp.types import PositiveInt

Batch = tuple[Tensor, Tensor]
"""Samples with shape (B, *shape) and their labels with shape (B,), zeros when the data has none."""


class GAN(TwoPlayerModule):
    """Unconditional GAN; the base of every variant.

    A variant overrides :meth:`build_players`, :meth:`generate`, :meth:`critic` and, to add terms to the losses,
    :meth:`discriminator_terms` and :meth:`generator_terms`; nothing else.

    Arguments:
        data: What is real; only its ``shape``, ``num_classes`` and ``value_range`` are read.
        network: Makes both players.
        loss: How they are scored.
        penalty: What the discriminator's gradient or weights must obey.
        schedule: When they move.
        d_optimizer: Makes the discriminator's optimiser from its parameters.
        g_optimizer: Makes the generator's optimiser from its parameters.
        lr_schedule: Factor of both learning rates as a function of progress through the budget, in [0, 1].
        latent_dim: Size of the latent vector z, which is standard normal.

    Attributes:
        conditional: Whether the label says what a sample shows.
    """

    conditional: ClassVar[bool] = False

    def __init__(
        self,
        data: Data,
        network: Networks,
        loss: Loss,
        penalty: Penalty,
        schedule: Schedule,
        d_optimizer: MakeOptimizer,
        g_optimizer: MakeOptimizer,
        lr_schedule: Callable[[float], float],
        latent_dim: PositiveInt = 100,
    ) -> None:
        generator, discriminator = self.build_players(data, network, latent_dim)
        penalty.check(discriminator)
        players, optimizers = {"d": discriminator, "g": generator}, {"d": d_optimizer, "g": g_optimizer}
        super().__init__(players, optimizers, lr_schedule, schedule.gradient_clip)
        self.generator, self.discriminator = generator, discriminator
        self.average = None if schedule.ema_decay is None else Average(generator, schedule.ema_decay, schedule.ema_warmup)
        self.loss, self.penalty, self.schedule = loss, penalty, schedule
        self.num_classes, self.latent_dim = data.num_classes, latent_dim

    # What a variant may redefine -------------------------------------------------------------------------------------------

    @classmethod
    def build_players(cls, data: Data, network: Networks, latent_dim: int) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator for this data."""
        return network.generator(latent_dim, data.shape, 0, data.value_range), network.discriminator(data.shape)

    def generate(self, generator: nn.Module, z: Tensor, y: Tensor) -> Tensor:
        """Return ``generator``'s samples with shape (B, *shape) for latents (B, latent_dim) and labels (B,)."""
        return generator(z)

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is real" for samples (B, *shape) and labels (B,)."""
        return self.discriminator(x).squeeze(1)

    def sample_labels(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` labels, uniform over the classes; zeros when there are none."""
        return torch.randint(max(self.num_classes, 1), (n,), device=self.device, generator=generator)

    def fake_labels(self, y: Tensor) -> Tensor:
        """Return the labels of the fakes that meet real samples with labels ``y``: the same, so that pairs share a class."""
        return y

    def discriminator_terms(self, real: Tensor, y: Tensor, fake: Tensor, fake_y: Tensor) -> dict[str, Tensor]:
        """Return the named terms of the discriminator's loss; their sum goes down."""
        real_logits, fake_logits = self.critic(real, y), self.critic(fake, fake_y)
        self.observe("logits/real", real_logits)
        self.observe("logits/fake", fake_logits)
        return {"adversarial": self.loss.discriminator(real_logits, fake_logits)}

    def generator_terms(self, real: Tensor, y: Tensor, fake: Tensor, fake_y: Tensor) -> dict[str, Tensor]:
        """Return the named terms of the generator's loss; their sum goes down."""
        real_logits = None
        if self.loss.needs_real:
            with torch.no_grad():
                real_logits = self.critic(real, y)
        return {"adversarial": self.loss.generator(self.critic(fake, fake_y), real_logits)}

    # Sampling --------------------------------------------------------------------------------------------------------------

    def sample_latent(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` latents with shape (n, latent_dim)."""
        return torch.randn(n, self.latent_dim, device=self.device, generator=generator)

    @torch.no_grad()
    def sample(self, z: Tensor, y: Tensor) -> Tensor:
        """Return samples with shape (n, *shape) in the data's range, from the averaged generator when there is one.

        The generator works in evaluation mode and is left as it was: sampling never changes training.
        """
        generator = self.generator if self.average is None else self.average.module
        was_training = generator.training
        generator.eval()
        samples = self.generate(generator, z, y)
        generator.train(was_training)
        return samples.float()

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
        fakes: list[Batch] = []
        for batch in batches:
            fakes = self._fakes(batch, learn=self.schedule.reuse_fakes)
            self._discriminator_backward(batch, fakes)
            self.step("d")
            self.penalty.constrain(self.discriminator)
        for _ in range(self.schedule.g_steps):
            if not self.schedule.reuse_fakes:
                fakes = self._fakes(batches[-1], learn=True)
            self._generator_backward(batches[-1], fakes)
            self.step("g")

    def _update_together(self, batch: Batch) -> None:
        fakes = self._fakes(batch, learn=self.schedule.reuse_fakes)
        self._discriminator_backward(batch, fakes)
        if not self.schedule.reuse_fakes:
            fakes = self._fakes(batch, learn=True)
        self._generator_backward(batch, fakes)
        self.step("d", "g")
        self.penalty.constrain(self.discriminator)

    def _fakes(self, batch: Batch, learn: bool) -> list[Batch]:
        """Generate one fake per real sample, a list of micro-batches; with a graph if the generator is to learn from them."""
        y = self.fake_labels(batch[1])
        # Every process draws the latents of the whole batch and takes its part: one process or many, the same fakes.
        z = self.sample_latent(len(y) * self._world_size, self._noise).tensor_split(self._world_size)[self._rank]
        with torch.set_grad_enabled(learn):
            return [(self.generate(self.generator, z_k, y_k), y_k) for z_k, y_k in zip(self._cut(z), self._cut(y), strict=True)]

    def _discriminator_backward(self, batch: Batch, fakes: Sequence[Batch]) -> None:
        self.set_frozen("d", False)
        penalise = self.penalty.active and self.counters.d_updates % self.penalty.every == 0
        for real, y, (fake, fake_y) in zip(self._cut(batch[0]), self._cut(batch[1]), fakes, strict=True):
            fake = fake.detach()
            terms = self.discriminator_terms(real, y, fake, fake_y)
            if penalise:
                # Applied less often, it weighs more (lazy regularisation, Karras et al., 2020).
                terms["penalty"] = self.penalty(self.critic, real, fake, y, fake_y) * self.penalty.every
            self._backward("d", terms, share=len(y) / len(batch[1]))

    def _generator_backward(self, batch: Batch, fakes: Sequence[Batch]) -> None:
        self.set_frozen("d", True)
        for real, y, (fake, fake_y) in zip(self._cut(batch[0]), self._cut(batch[1]), fakes, strict=True):
            self._backward("g", self.generator_terms(real, y, fake, fake_y), share=len(y) / len(batch[1]))

    def _backward(self, player: str, terms: dict[str, Tensor], share: float) -> None:
        """Gather the gradient of the terms' sum, times the micro-batch's share of the batch."""
        total = reduce(torch.add, terms.values())
        self.observe(f"loss/{player}", total)
        for name, term in terms.items():
            self.observe(f"loss/{player}/{name}", term)
        self.accumulate(total if share == 1 else total * share)

    def _cut(self, x: Tensor) -> Sequence[Tensor]:
        return (x,) if self.schedule.micro_batches == 1 else x.tensor_split(min(self.schedule.micro_batches, len(x)))
