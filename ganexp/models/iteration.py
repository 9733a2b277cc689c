"""One iteration of the game between generator and discriminator, in pure torch: batches in, updates and observations out.

With G the generator, D the discriminator's logit, x real and z latent, one iteration is, in this order,

* ``d_steps`` times: a step of the discriminator's optimiser down ``loss.discriminator(D(x), D(G(z))) + regularizers``, G fixed;
* ``g_steps`` times: a step of the generator's optimiser down ``loss.generator(D(G(z)), D(x)) + regularizers``, D fixed.

:class:`ganexp.models.turns.Turns` varies the order. Nothing here reads a value back from the device.

Real and fake samples are judged in one forward pass where the discriminator judges each by itself. Where it mixes the samples
of a batch, as batch norm does, they are judged in two, each with its own statistics.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import Protocol

import torch
from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.models.functional import in_mode
from ganexp.models.judging import Judge, Judged, Judgement, judge_together
from ganexp.models.player import Player, Step
from ganexp.models.turns import Turns
from ganexp.networks.players import Styled

Batch = tuple[Tensor, Tensor]
"""Real samples with shape (B, *shape) and their labels with shape (B,), zeros when the data has none."""

Latents = tuple[Tensor, Tensor]
"""Latents with shape (B, latent_dim) and labels with shape (B,) of the samples to generate."""

Observe = Callable[[str, Tensor], None]
"""Keeps a tensor of any shape under a tag."""


class Rules(Judge, Protocol):
    """What an iteration needs of a variant."""

    generator: nn.Module

    def generate(self, generator: nn.Module, z: Tensor, y: Tensor) -> Tensor:
        """Return samples with shape (B, *shape)."""

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the logits of "real" with shape (B,)."""

    def discriminator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the named terms of the discriminator's loss."""

    def generator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the named terms of the generator's loss."""


class Iteration:
    """Play one iteration.

    Arguments:
        rules: The variant.
        turns: When they move.
        d: The discriminator.
        g: The generator.
        draw: Draws latents and labels for as many samples as a batch has.
        backward: Adds the gradient of a loss to those that the players have gathered; of all their weights, or of some.
        choose: Chooses, in the generator's update, the real and fake samples that its loss sees; None: all.
        together: Whether the discriminator judges real and fake samples in one pass; its outputs must be those of two.
    """

    def __init__(
        self,
        rules: Rules,
        turns: Turns,
        d: Player,
        g: Player,
        draw: Callable[[Batch], Latents],
        backward: Callable[[Tensor, Sequence[Tensor] | None], None] = lambda loss, inputs: loss.backward(inputs=inputs),
        choose: Callable[[Judged, Judged], tuple[Judged, Judged]] | None = None,
        together: bool = False,
    ) -> None:
        self.rules, self.turns, self.draw, self.backward = rules, turns, draw, backward
        self.choose, self.together = choose, together
        self.players = {"d": d, "g": g}

    def __call__(self, batches: Sequence[Batch], observe: Observe, norms: bool = False) -> None:
        """Move both players.

        Arguments:
            batches: A real batch for each update of the discriminator.
            observe: Is given every term, ``loss/d``, ``loss/g``, ``loss/<player>/<term>``, and what the variant observes.
            norms: Whether ``gradient_norm/d`` and ``gradient_norm/g`` are computed, too.
        """
        self._observe, self._norms = observe, norms
        if self.turns.update == "simultaneous":
            self._together(batches[0])
        else:
            self._in_turns(batches)

    def _in_turns(self, batches: Sequence[Batch]) -> None:
        for batch, latents, fakes in self._prepared(batches):
            self._update("d", batch, latents, fakes)
        for step in range(self.turns.g_steps):
            if not self.turns.reuse_fakes:
                if step or self.turns.latents == "fresh":
                    latents = self.draw(batches[-1])
                fakes = self._fakes(latents)
            self._update("g", batches[-1], latents, fakes)

    def _prepared(self, batches: Sequence[Batch]) -> Iterator[tuple[Batch, Latents, list[Judged]]]:
        """Yield what each update of the discriminator is made from."""
        if not self.turns.fakes_at_once:
            for batch in batches:
                latents = self.draw(batch)
                yield batch, latents, self._fakes_for_d(latents)
            return
        drawn = [self.draw(batch) for batch in batches]
        (made,) = self._fakes_for_d((torch.cat([z for z, _ in drawn]), torch.cat([y for _, y in drawn])))
        for batch, latents, x in zip(batches, drawn, made.x.split([len(y) for _, y in drawn]), strict=True):
            yield batch, latents, [Judged(self.rules, x, latents[1], latents[0])]

    def _update(self, player: str, batch: Batch, latents: Latents, fakes: list[Judged]) -> None:
        """Move one player, then once more where lazy terms are apart and due."""
        gather = {"d": self._d_backward, "g": self._g_backward}[player]
        first, *others = self.players[player].steps(apart=self.turns.lazy_terms == "apart")
        gather(batch, fakes, first)
        self._move(player)
        for step in others:
            if player == "g":  # the graph of the others is gone, and a term need not look at any
                fakes = self._fakes(latents, later=True)
            gather(batch, fakes, step)
            self._move(player, counts=False)

    def _together(self, batch: Batch) -> None:
        latents = self.draw(batch)
        fakes = self._fakes_for_d(latents)
        d, g = (self.players[name].steps(apart=False)[0] for name in "dg")
        self._d_backward(batch, fakes, d)
        if not self.turns.reuse_fakes:
            fakes = self._fakes(latents if self.turns.latents == "shared" else self.draw(batch))
        self._g_backward(batch, fakes, g)
        self.players["d"].freeze(False)  # what looks back is to see which weights learn
        self._move("d", "g")

    def _fakes_for_d(self, latents: Latents) -> list[Judged]:
        with torch.set_grad_enabled(self.turns.reuse_fakes), in_mode(self.rules.generator, self.turns.fakes_mode):
            return self._fakes(latents)

    def _fakes(self, latents: Latents, later: bool = False) -> list[Judged]:
        """Generate samples, in as many micro-batches as a batch has; or later, once somebody looks at them."""
        made = [(partial(self._generate, z, y), y, z) for z, y in zip(*map(self._cut, latents), strict=True)]
        return [Judged(self.rules, make if later else make(), y, z) for make, y, z in made]

    def _generate(self, z: Tensor, y: Tensor) -> Tensor:
        return self.rules.generate(self.rules.generator, z, y)

    def _styles(self, z: Tensor, y: Tensor) -> Tensor:
        generator = self.rules.generator
        if not isinstance(generator, Styled):
            raise TypeError(f"{type(generator).__name__} has no styles")
        return self.rules.generate(generator.mapping, z, y)

    def _generate_for_d(self, z: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad(), in_mode(self.rules.generator, self.turns.fakes_mode):
            return self._generate(z, y)

    def _d_backward(self, batch: Batch, fakes: Sequence[Judged], step: Step) -> None:
        self.players["d"].freeze(False)
        wanted = {kind for regularizer in step.due.values() for kind in regularizer.differentiates}
        for x, y, made in zip(self._cut(batch[0]), self._cut(batch[1]), fakes, strict=True):
            real = Judged(self.rules, x, y, differentiated="real" in wanted)
            fake = Judged(self.rules, made.x.detach(), made.y, made.z, differentiated="fake" in wanted)
            # Where only one kind is differentiated, a common pass would take the other one along.
            if self.together and len(wanted) != 1:
                judge_together(real, fake)
            self._backward("d", step, real, fake, len(y) / len(batch[1]))

    def _g_backward(self, batch: Batch, fakes: Sequence[Judged], step: Step) -> None:
        self.players["d"].freeze(True)
        for x, y, fake in zip(self._cut(batch[0]), self._cut(batch[1]), fakes, strict=True):
            real = Judged(self.rules, x, y, fixed=True)
            self._backward("g", step, real, fake, len(y) / len(batch[1]))

    def _backward(self, player: str, step: Step, real: Judged, fake: Judged, share: float) -> None:
        """Gather the gradient of the sum of a step's terms, times the micro-batch's share of the batch."""
        generate = {"d": self._generate_for_d, "g": self._generate}[player]
        make_terms = {"d": self.rules.discriminator_terms, "g": self.rules.generator_terms}[player]
        mine = self.players[player]
        scored = (real, fake) if player == "d" or self.choose is None else self.choose(real, fake)
        terms = make_terms(*scored) if step.loss else {}
        terms = terms | mine.terms(Judgement(real, fake, self.rules.critic, generate, self._styles, mine.network), step)
        for name, term in terms.items():
            if term.numel() != 1:
                key = "model" if name not in mine.regularizers else f"regularizers.{name}"
                message = f"the term {name} of the loss should be a scalar, not a tensor of shape {tuple(term.shape)}"
                raise ConfigError(message, "penalty" if name == "penalty" else key)
        if not terms:
            return
        total = reduce(torch.add, terms.values())
        if step.loss:
            self._observe(f"loss/{player}", total)
        for name, term in terms.items():
            self._observe(f"loss/{player}/{name}", term)
        # Of all that was differentiated, only the weights need the gradient.
        inputs = mine.parameters if real.differentiable or fake.differentiable else None
        self.backward(total if share == 1 else total * share, inputs)

    def _move(self, *names: str, counts: bool = True) -> None:
        players = {name: self.players[name] for name in names}
        for name, player in players.items():
            norm = player.move(self._norms) if counts else player.move(False, counts=False)
            if norm is not None:
                self._observe(f"gradient_norm/{name}", norm)
        if (scaler := self.players["d"].scaler) is not None:
            scaler.update()
        for player in players.values():
            player.look_back()

    def _cut(self, x: Tensor) -> Sequence[Tensor]:
        pieces = self.turns.micro_batches
        return (x,) if pieces == 1 else x.tensor_split(min(pieces, len(x)))
