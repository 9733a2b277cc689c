"""When each player moves.

One *iteration* is ``d_steps`` updates of the discriminator, each on a real batch of its own, and ``g_steps`` updates of the
generator. Everything that has a cadence (logging, pictures, checkpoints, learning rates) counts iterations.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from ganexp.config.errors import ConfigError
from ganexp.config.types import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt, Share


@dataclass(frozen=True)
class Turns:
    """Order, number and size of the updates of one iteration.

    Arguments:
        d_steps: Discriminator updates per iteration.
        g_steps: Generator updates per iteration.
        update: ``alternating`` lets the generator meet the updated discriminator; ``simultaneous`` computes both players'
            gradients from the same weights before either moves.
        fakes_at_once: Generate the fakes of all ``d_steps`` in one pass, as the generator does not move between them: fewer and
            larger kernels, more memory. A batch norm of the generator then takes its statistics from d_steps batches together,
            and moves its running ones once.
        top_k: Share of its fakes that the generator's loss takes, those that the discriminator finds most real; usually it has
            a schedule, from 1 to 0.5. They are chosen within each micro-batch and each process.
        reuse_fakes: The generator's update judges the very fakes of the last discriminator update, so that they are
            generated once; otherwise it generates them again.
        latents: What the generator's update then starts from: ``fresh`` draws new latents (and labels, where the fakes have
            their own), ``shared`` takes those of the last discriminator update.
        fakes_mode: Mode of the generator while it makes the discriminator's fakes: ``train`` as in its own update,
            ``no_dropout``, or ``eval``, in which batch norm, too, uses its running statistics.
        ema_decay: Decay per iteration of an exponential moving average of the generator, which then draws all samples; ``None``
            keeps no average, unless ``ema_images`` does.
        ema_images: Half-life of the average in real images seen, in place of the decay: after n more images, a weight counts
            0.5^(n / ema_images); 0 copies the generator.
        ema_warmup: Let the average forget faster at first: after n updates its decay is at most (1 + n) / (10 + n).
        lazy_terms: Where terms with an ``every`` of more than 1 are applied: ``joint`` adds them to the loss of an update,
            ``apart`` makes a step of their own behind it, as StyleGAN2 does. The optimiser then takes 1 + 1/every steps per
            update; so its rate is multiplied by c = every / (every + 1), and its decay rates (Adam's betas) are raised to the
            power c, as in appendix B of Karras et al. (2020), https://arxiv.org/abs/1912.04958.
        micro_batches: Pieces into which a batch is cut to save memory; their gradients are added up before the update.
        gradient_clip: Largest L2 norm of a player's gradient; longer ones are scaled down. ``None`` leaves them.
    """

    d_steps: PositiveInt = 1
    g_steps: PositiveInt = 1
    update: Literal["alternating", "simultaneous"] = "alternating"
    fakes_at_once: bool = False
    top_k: Share = 1.0
    reuse_fakes: bool = False
    latents: Literal["fresh", "shared"] = "fresh"
    fakes_mode: Literal["train", "no_dropout", "eval"] = "train"
    ema_decay: Fraction | None = None
    ema_images: NonNegativeFloat | None = None
    ema_warmup: bool = True
    lazy_terms: Literal["joint", "apart"] = "joint"
    micro_batches: PositiveInt = 1
    gradient_clip: PositiveFloat | None = None

    def __post_init__(self) -> None:
        if self.update == "simultaneous" and (self.d_steps, self.g_steps) != (1, 1):
            raise ConfigError(
                "a simultaneous update moves each player exactly once",
                "schedule.update", "schedule.d_steps", "schedule.g_steps",
                hint="set schedule.d_steps=1 schedule.g_steps=1, or schedule.update=alternating",
            )  # fmt: skip
        if self.update == "simultaneous" and self.lazy_terms == "apart":
            raise ConfigError(
                "a simultaneous update is one step of each player, and lazy terms apart would be another",
                "schedule.update", "schedule.lazy_terms",
                hint="set schedule.lazy_terms=joint, or schedule.update=alternating",
            )  # fmt: skip
        if self.fakes_at_once and self.reuse_fakes:
            raise ConfigError(
                "the fakes of all steps at once have no graph that the generator could learn from",
                "schedule.fakes_at_once", "schedule.reuse_fakes",
                hint="set schedule.reuse_fakes=false; schedule.latents=shared keeps the latents",
            )  # fmt: skip
        if self.fakes_at_once and self.micro_batches > 1:
            raise ConfigError(
                "fakes of several batches at once take more memory, and micro-batches are there to save it",
                "schedule.fakes_at_once", "schedule.micro_batches",
                hint="set one of them",
            )  # fmt: skip
        if self.reuse_fakes and self.g_steps > 1:
            raise ConfigError(
                "the same fakes can serve one generator update only, because it changes the generator",
                "schedule.reuse_fakes", "schedule.g_steps",
                hint="set schedule.reuse_fakes=false or schedule.g_steps=1",
            )  # fmt: skip
        if self.reuse_fakes and self.fakes_mode != "train":
            raise ConfigError(
                "the generator cannot learn from fakes that it made in another mode",
                "schedule.reuse_fakes", "schedule.fakes_mode",
                hint="set schedule.reuse_fakes=false; schedule.latents=shared keeps the latents",
            )  # fmt: skip

    def pace(self, intervals: Iterable[int]) -> float:
        """Return the updates of a player per step of its optimiser, given the ``every`` of each of its regularizers."""
        lazy = [every for every in intervals if every > 1]
        if self.lazy_terms == "joint" or not lazy:
            return 1.0
        # Terms that are due together share a step: the share of updates at which any is due, by inclusion and exclusion.
        chosen = (some for size in range(1, len(lazy) + 1) for some in combinations(lazy, size))
        return 1 / (1 + sum((-1) ** (len(some) + 1) / math.lcm(*some) for some in chosen))
