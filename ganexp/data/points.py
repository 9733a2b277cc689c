"""Points, and mixtures of Gaussians among them.

Contract: a mixture of K components with equal weights has the density

    p(x) = 1/K sum_k N(x; c_k, sd^2 I),

its labels are the components, and its samples are a function of the constructor's arguments alone.
"""

import math
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.types import PositiveFloat, PositiveInt
from ganexp.data.base import SEEDS, Data, Split, StreamOptions, digest

Limits = tuple[float, float, float, float]
"""A part of the plane: left, right, bottom, top."""

# A density is evaluated for this many (point, component) pairs at a time.
PAIRS = 2**22


class PointOptions(StreamOptions, total=False):
    """Options of every mixture.

    Attributes:
        size: Number of points in each split; 100,000.
    """

    size: PositiveInt


class Points(Data):
    """Points, in the plane or of another dimension. A subclass needs nothing but `load`, and `shape` where it is not the plane.

    What else it declares is drawn and measured too. Pictures of more dimensions show the plane of the two in which real points
    lie widest.

    Attributes:
        shape: (D,), the number of coordinates.
        beside_real: Whether pictures show the density and real points beside generated ones, which would hide them.
    """

    few = 2500
    evaluations = 50
    shape: tuple[int, ...] = (2,)
    beside_real: ClassVar[bool] = False

    @property
    def limits(self) -> Limits:
        """The part of the plane that a picture shows; by default the square around the test points, with a margin."""
        points = self.in_plane(self.load("test")[0])
        return square(points.amin(0), points.amax(0))

    def density(self, points: Tensor) -> Tensor | None:
        """Evaluate the true density at points with shape (*, D); returns shape (*), or None where it is not known."""
        return None

    def in_plane(self, points: Tensor) -> Tensor:
        """Return the places (N, 2) in a picture of points (N, D): their first two principal coordinates, 0 where D is 1."""
        if self.shape == (2,):
            return points
        middle, axes = self._principal
        return torch.nn.functional.pad((points - middle) @ axes, (0, 2 - axes.shape[1]))

    @cached_property
    def _principal(self) -> tuple[Tensor, Tensor]:
        """The mean (D,) of the test points, and the directions (D, 1 or 2) in which they lie widest."""
        points = self.load("test")[0].double()
        axes = torch.linalg.eigh(torch.cov(points.T).reshape(len(points[0]), -1)).eigenvectors.flip(1)[:, :2]
        signs = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()  # of a direction and its opposite, one
        return points.mean(0).float(), (axes * signs).float()

    def decode(self, raw: Tensor) -> Tensor:
        """Return the points as they are."""
        return raw

    def encode(self, samples: Tensor) -> Tensor:
        """Return the points as float32."""
        return samples.float()


class Mixture(Points):
    """A mixture of isotropic Gaussians with equal weights.

    Arguments:
        centres: Means of the components, with shape (K, D).
        sd: Standard deviation of every component.
        size: See :class:`PointOptions`.
        stream: See :class:`ganexp.data.StreamOptions`.
    """

    def __init__(self, centres: Tensor, sd: float, *, size: PositiveInt = 100_000, **stream: Unpack[StreamOptions]) -> None:
        super().__init__(**stream)
        self.centres = centres
        self.sd = sd
        self.size = size
        self.num_classes, self.shape = len(centres), tuple(centres.shape[1:])

    def load(self, split: Split) -> tuple[Tensor, Tensor]:
        """Draw the points (float32, (size, D)) and their components (int64, (size,)) from the split's own seed."""
        generator = torch.Generator().manual_seed(SEEDS[split])
        labels = torch.randint(len(self.centres), (self.size,), generator=generator)
        noise = torch.randn(self.size, *self.shape, generator=generator)
        return self.centres[labels] + self.sd * noise, labels

    @property
    def memory(self) -> int:
        """Labels, centres, noise and points."""
        return (8 + 12 * self.shape[0]) * self.size

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the centres, the standard deviation and the number of points."""
        return digest(type(self).__name__, self.centres, f"{self.sd} {self.size}")

    def density(self, points: Tensor) -> Tensor:
        """Evaluate p(x) at points with shape (*, D); returns shape (*)."""
        centres = self.centres.to(points)
        flat = points.reshape(-1, *self.shape)
        step = max(1, PAIRS // len(centres))
        parts = [self._sum_of_bumps(part, centres) for part in flat.split(step)]
        return torch.cat(parts).reshape(points.shape[:-1]) / (len(centres) * (2 * math.pi * self.sd**2) ** (self.shape[0] / 2))

    def _sum_of_bumps(self, points: Tensor, centres: Tensor) -> Tensor:
        squared = (points[:, None] - centres).square().sum(-1)
        return torch.exp(-squared / (2 * self.sd**2)).sum(-1)

    @property
    def limits(self) -> Limits:
        """The square around the centres with a margin in which stray points show."""
        centres = self.in_plane(self.centres)
        return square(centres.amin(0), centres.amax(0), 6 * self.sd)


class Ring(Mixture):
    """Gaussians at equal angles on a circle around the origin.

    References:
        VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning (Srivastava et al., 2017)
        https://arxiv.org/abs/1705.07761

        PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018)
        https://arxiv.org/abs/1712.04086

    Arguments:
        components: Number of Gaussians.
        radius: Radius of the circle.
        sd: Standard deviation of every Gaussian.
        options: See :class:`PointOptions` and :class:`ganexp.data.StreamOptions`.
    """

    def __init__(
        self,
        components: PositiveInt = 8,
        radius: PositiveFloat = 1.0,
        sd: PositiveFloat = 0.01,
        **options: Unpack[PointOptions],
    ) -> None:
        # linspace(0, 2 pi, K) would put the first and the last centre on the same point.
        angles = torch.arange(components, dtype=torch.float64) * (2 * math.pi / components)
        centres = radius * torch.stack([angles.cos(), angles.sin()], dim=1)
        super().__init__(centres.float(), sd, **options)


class Grid(Mixture):
    """Gaussians on a square grid centred at the origin.

    References:
        VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning (Srivastava et al., 2017)
        https://arxiv.org/abs/1705.07761

        PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018)
        https://arxiv.org/abs/1712.04086

    Arguments:
        per_side: Number of Gaussians along each side.
        spacing: Distance between neighbours.
        sd: Standard deviation of every Gaussian.
        options: See :class:`PointOptions` and :class:`ganexp.data.StreamOptions`.
    """

    def __init__(
        self,
        per_side: PositiveInt = 5,
        spacing: PositiveFloat = 2.0,
        sd: PositiveFloat = 0.05,
        **options: Unpack[PointOptions],
    ) -> None:
        ticks = spacing * (torch.arange(per_side, dtype=torch.float32) - (per_side - 1) / 2)
        super().__init__(torch.cartesian_prod(ticks, ticks).reshape(-1, 2), sd, **options)


def square(low: Tensor, high: Tensor, margin: float = 0.0) -> Limits:
    """Return a square around what lies between two corners (2,), with a quarter more on its sides and a margin."""
    middle = (low + high) / 2
    half = 1.25 * float((high - low).max()) / 2 + margin or 1.0
    x, y = middle.tolist()
    return x - half, x + half, y - half, y + half
