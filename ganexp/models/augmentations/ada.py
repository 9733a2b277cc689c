"""Adaptive discriminator augmentation: many changes of images, as often as the discriminator's overfitting asks for."""

import math

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import Fraction, NonNegativeFloat, PositiveInt, Probability
from ganexp.models.augmentations.base import Augmentation
from ganexp.models.augmentations.warp import SMALLEST, Warp
from ganexp.models.functional import total
from ganexp.models.schedules import moves
from ganexp.networks.precision import full, unmixed


class ADA(Augmentation):
    r"""Apply each change to each image with probability p times its factor.

    ``geometry``: flip, turn by right angles, shift by whole pixels; scale by :math:`2^{N(0, 0.2^2)}`, turn by any angle,
    stretch, turn again, shift by N(0, 1/8^2) of the side. ``colour``: brightness + N(0, 0.2^2), contrast times
    :math:`2^{N(0, 0.5^2)}`, flip of the brightness, turn of the hue, saturation times :math:`2^{N(0, 1)}`. ``cutout``: zero a
    square of half the side. All geometric changes of an image are one affine map, all of its colours another. It is made for
    values in [-1, 1].

    With a target, p rises or falls by the share that the images make up of ``images``, at every ``every``-th update of the
    discriminator: it rises if the mean sign of the logits of real images since the last time, those of all processes of a run,
    is above the target.

    References:
        Training Generative Adversarial Networks with Limited Data (Karras et al., 2020), appendix B,
        https://arxiv.org/abs/2006.06676

    Arguments:
        probability: p; with a target, p at the beginning.
        target: What the mean sign should be; None: p is ``probability``, which may have a schedule.
        images: Real images in which p moves by 1.
        every: Batches between two steps of p.
        geometry: Factor of p for each of the geometric changes.
        colour: Factor of p for each change of colours.
        cutout: Factor of p for the square.

    Raises:
        ConfigError: The probability has a schedule and a target.
    """

    p: Tensor
    since: Tensor
    axis: Tensor

    def __init__(
        self,
        probability: Probability = 0.0,
        target: Fraction | None = 0.6,
        images: PositiveInt = 500_000,
        every: PositiveInt = 4,
        geometry: NonNegativeFloat = 1.0,
        colour: NonNegativeFloat = 1.0,
        cutout: NonNegativeFloat = 0.0,
    ) -> None:
        super().__init__()
        if target is not None and moves(probability):
            raise ConfigError(
                "p follows either a schedule or the discriminator",
                "augmentation.probability",
                "augmentation.target",
                hint="set augmentation.target=null",
            )
        self.probability, self.target, self.images, self.every = probability, target, images, every
        self.geometry, self.colour, self.cutout = geometry, colour, cutout
        self.register_buffer("p", torch.tensor(0.0 if moves(probability) else float(probability)))
        self.register_buffer("since", torch.zeros(3))  # the last step of p: signs, images, batches
        axis = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
        self.register_buffer("axis", axis, persistent=False)  # of the hues' circle
        self.warp = Warp()

    def check(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 3:
            raise ConfigError("this augmentation needs images", "augmentation", "data", hint="use augmentation=none")
        if min(shape[1:]) < SMALLEST:
            raise ConfigError(f"this augmentation needs images of {SMALLEST} pixels", "augmentation", "data")

    def look(self, logits: Tensor) -> dict[str, Tensor]:
        """Move p, and tell it."""
        if self.target is None:
            return {}
        with torch.no_grad():
            now = total(torch.stack([full(logits).sign().sum(), full(logits).new_full((), len(logits))]))
            self.since.add_(torch.cat([now, now.new_ones(1)]))
            signs, images, batches = self.since
            due = batches >= self.every
            moved = (self.p + torch.sign(signs / images - self.target) * images / self.images).clamp(min=0)
            self.p.copy_(torch.where(due, moved, self.p))
            self.since.mul_(~due)
        return {"augmentation/p": self.p.clone(), "augmentation/sign": now[0] / now[1]}

    def forward(self, x: Tensor) -> Tensor:
        with unmixed(x):
            changed = full(x)
            p = self.p if self.target is not None else changed.new_full((), self.probability)
            if self.geometry:
                changed = self.warp(changed, self._moves(changed, (p * self.geometry).clamp(max=1)))
            if self.colour:
                mixed = self._colours(changed, p * self.colour)
                changed = torch.einsum("bij,bjhw->bihw", mixed[..., :-1], changed) + mixed[..., -1, None, None]
            if self.cutout:
                changed = changed * self._kept(changed, p * self.cutout)
        return changed.to(x.dtype)

    # Random numbers, for each image ------------------------------------------------------------------------------------------

    def _uniform(self, x: Tensor, low: float, high: float, count: int = 1) -> Tensor:
        """Draw numbers with shape (count, B)."""
        return torch.rand(count, len(x), device=x.device, dtype=x.dtype, generator=self.random) * (high - low) + low

    def _normal(self, x: Tensor, deviation: float, count: int = 1) -> Tensor:
        return torch.randn(count, len(x), device=x.device, dtype=x.dtype, generator=self.random) * deviation

    def _sometimes(self, value: Tensor, p: Tensor, otherwise: float = 0.0) -> Tensor:
        """Leave out a change of shape (count, B) where it is not an image's turn."""
        turn = torch.rand(value.shape[1], device=value.device, generator=self.random) < p
        return torch.where(turn, value, otherwise)

    # What they make ----------------------------------------------------------------------------------------------------------

    def _moves(self, x: Tensor, p: Tensor) -> Tensor:
        """Draw the inverses of affine maps, with shape (B, 2, 3)."""
        turn = 1 - (1 - p).sqrt()  # twice, so that an image is turned with probability p
        zero, one = x.new_zeros(len(x)), x.new_ones(len(x))

        def scale(first: Tensor, second: Tensor) -> Tensor:
            return _matrix([[1 / first, zero, zero], [zero, 1 / second, zero]])

        def rotate(angle: Tensor) -> Tensor:
            return _matrix([[angle.cos(), angle.sin(), zero], [-angle.sin(), angle.cos(), zero]])

        def shift(by: Tensor) -> Tensor:
            return _matrix([[one, zero, -by[0]], [zero, one, -by[1]]])

        def pixels(shares: Tensor) -> Tensor:
            return torch.stack([shares[0] * x.shape[3], shares[1] * x.shape[2]])

        flipped = self._sometimes(self._uniform(x, 0, 2).floor(), p)[0]
        result = scale(1 - 2 * flipped, one)
        result = result @ rotate(self._sometimes(self._uniform(x, 0, 4).floor() * (math.pi / 2), p)[0])
        result = result @ shift(self._sometimes(pixels(self._uniform(x, -1 / 8, 1 / 8, 2)).round(), p))
        factor = self._sometimes(self._normal(x, 0.2), p)[0].exp2()
        result = result @ scale(factor, factor)
        result = result @ rotate(self._sometimes(self._uniform(x, -math.pi, math.pi), turn)[0])
        stretch = self._sometimes(self._normal(x, 0.2), p)[0].exp2()
        result = result @ scale(stretch, 1 / stretch)
        result = result @ rotate(self._sometimes(self._uniform(x, -math.pi, math.pi), turn)[0])
        result = result @ shift(self._sometimes(pixels(self._normal(x, 1 / 8, 2)), p))
        return result[:, :2]

    def _colours(self, x: Tensor, p: Tensor) -> Tensor:
        """Draw affine maps of colours, with shape (B, C, C + 1)."""
        channels = x.shape[1]
        same, grey = torch.eye(channels, device=x.device, dtype=x.dtype), x.new_full((channels, channels), 1 / channels)

        def number(value: Tensor) -> Tensor:
            return value[0, :, None, None]

        brightness = number(self._sometimes(self._normal(x, 0.2), p))
        result = torch.cat([same.expand(len(x), -1, -1), brightness.expand(-1, channels, -1)], 2)
        result = result * number(self._sometimes(self._normal(x, 0.5), p)).exp2()
        result = (same - 2 * grey * number(self._sometimes(self._uniform(x, 0, 2).floor(), p))) @ result
        angle = number(self._sometimes(self._uniform(x, -math.pi, math.pi), p))
        if channels == 3:  # only three channels are colours with a hue
            result = (grey + (same - grey) * angle.cos() + self.axis.to(x.dtype) * angle.sin()) @ result
        return (grey + (same - grey) * number(self._sometimes(self._normal(x, 1.0), p)).exp2()) @ result

    def _kept(self, x: Tensor, p: Tensor) -> Tensor:
        """Draw what is left of each image, with shape (B, 1, H, W)."""
        share = self._sometimes(x.new_full((1, len(x)), 0.5), p)[0, :, None]
        centres = self._uniform(x, 0, 1, 2)[..., None]
        rows, columns = (
            ((torch.arange(side, device=x.device) + 0.5) / side - centre).abs() < share / 2
            for side, centre in zip(x.shape[2:], centres, strict=True)
        )
        return ~(rows[:, None, :, None] & columns[:, None, None, :])


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    """Make matrices with shape (B, 3, 3) from the entries of their first two rows, with shape (B,)."""
    last = [torch.zeros_like(rows[0][0]), torch.zeros_like(rows[0][0]), torch.ones_like(rows[0][0])]
    return torch.stack([torch.stack(row, 1) for row in [*rows, last]], 1)
