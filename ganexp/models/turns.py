"""When each player moves.

One *iteration* is ``d_steps`` updates of the discriminator, each on a real batch of its own, and ``g_steps`` updates of the
generator. Everything that has a cadence (logging, pictures, checkpoints, learning rates) counts iterations.
"""

from dataclasses import dataclass
from typing import Literal

from ganexp.config.errors import ConfigError
from ganexp.config.types import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt


@dataclass(frozen=True)
class Turns:
    """Order, number and size of the updates of one iteration.

    Arguments:
        d_steps: Discriminator updates per iteration.
        g_steps: Generator updates per iteration.
        update: ``alternating`` lets the generator meet the updated discriminator; ``simultaneous`` computes both players'
            gradients from the same weights before either moves.
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
        micro_batches: Pieces into which a batch is cut to save memory; their gradients are added up before the update.
        gradient_clip: Largest L2 norm of a player's gradient; longer ones are scaled down. ``None`` leaves them.
    """

    d_steps: PositiveInt = 1
    g_steps: PositiveInt = 1
    update: Literal["alternating", "simultaneous"] = "alternating"
    reuse_fakes: bool = False
    latents: Literal["fresh", "shared"] = "fresh"
    fakes_mode: Literal["train", "no_dropout", "eval"] = "train"
    ema_decay: Fraction | None = None
    ema_images: NonNegativeFloat | None = None
    ema_warmup: bool = True
    micro_batches: PositiveInt = 1
    gradient_clip: PositiveFloat | None = None

    def __post_init__(self) -> None:
        if self.update == "simultaneous" and (self.d_steps, self.g_steps) != (1, 1):
            raise ConfigError(
                "a simultaneous update moves each player exactly once",
                "schedule.update", "schedule.d_steps", "schedule.g_steps",
                hint="set schedule.d_steps=1 schedule.g_steps=1, or schedule.update=alternating",
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
