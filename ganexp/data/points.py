"""Points in the plane whose density is known, and mixtures of Gaussians among them.

Contract: a mixture of K components with equal weights has the density

    p(x) = 1/K sum_k N(x; c_k, sd^2 I),

its labels are the components, and its samples are a function of the constructor's arguments alone.
"""

import math
from abc import abstractmethod
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ganexp.config.types import PositiveFloat, PositiveInt
from ganexp.data.base import Data, Split, digest
from ganexp.pictures.images import PLAIN, Layout
from ganexp.pictures.scatter import Scatter

# Fixed, so that every run, whatever its seed, is trained and judged on the same points.
SEEDS: dict[Split, int] = {"train": 0, "test": 1}

# A density is evaluated for this many (point, component) pairs at a time.
PAIRS = 2**22


class Points(Data):
    """Points in the plane whose true density is known."""

    few = 2500
    evaluations = 50
    shape = (2,)

    @property
    @abstractmethod
    def limits(self) -> tuple[float, float, float, float]:
        """The part of the plane that a picture shows: left, right, bottom, top."""

    @abstractmethod
    def density(self, points: Tensor) -> Tensor:
        """Evaluate the true density at points with shape (*, 2); returns shape (*)."""

    def decode(self, raw: Tensor) -> Tensor:
        """Return the points as they are."""
        return raw

    def encode(self, samples: Tensor) -> Tensor:
        """Return the points as float32."""
        return samples.float()


class Mixture(Points):
    """A mixture of isotropic Gaussians with equal weights.

    Arguments:
        centres: Means of the components, with shape (K, 2).
        sd: Standard deviation of every component.
        size: Number of points in each split.
        batch_size: Points per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
    """

    def __init__(self, centres: Tensor, sd: float, size: int, batch_size: int, drop_last: bool) -> None:
        self.centres = centres
        self.sd = sd
        self.size = size
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.num_classes = len(centres)

    def load(self, split: Split) -> tuple[Tensor, Tensor]:
        """Draw the points (float32, (size, 2)) and their components (int64, (size,)) from the split's own seed."""
        generator = torch.Generator().manual_seed(SEEDS[split])
        labels = torch.randint(len(self.centres), (self.size,), generator=generator)
        noise = torch.randn(self.size, 2, generator=generator)
        return self.centres[labels] + self.sd * noise, labels

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the centres, the standard deviation and the number of points."""
        return digest(type(self).__name__, self.centres, f"{self.sd} {self.size}")

    def density(self, points: Tensor) -> Tensor:
        """Evaluate p(x) at points with shape (*, 2); returns shape (*)."""
        centres = self.centres.to(points)
        flat = points.reshape(-1, 2)
        step = max(1, PAIRS // len(centres))
        parts = [self._sum_of_bumps(part, centres) for part in flat.split(step)]
        return torch.cat(parts).reshape(points.shape[:-1]) / (len(centres) * 2 * math.pi * self.sd**2)

    def _sum_of_bumps(self, points: Tensor, centres: Tensor) -> Tensor:
        squared = (points[:, None] - centres).square().sum(-1)
        return torch.exp(-squared / (2 * self.sd**2)).sum(-1)

    def picture(self, samples: Tensor, labels: Tensor | None = None, layout: Layout = PLAIN) -> np.ndarray:
        """Draw the points over the true density, coloured by class when there are labels."""
        return self._scatter((samples, labels))

    @cached_property
    def _scatter(self) -> Scatter:
        return Scatter(self.density, self.limits, self.num_classes)

    @property
    def limits(self) -> tuple[float, float, float, float]:
        """The square around the centres with a margin in which stray points show."""
        low, high = self.centres.amin(0), self.centres.amax(0)
        middle = (low + high) / 2
        half = 1.25 * float((high - low).max()) / 2 + 6 * self.sd
        x, y = middle.tolist()
        return x - half, x + half, y - half, y + half


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
        size: Number of points in each split.
        batch_size: Points per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
    """

    def __init__(
        self,
        components: PositiveInt = 8,
        radius: PositiveFloat = 1.0,
        sd: PositiveFloat = 0.01,
        size: PositiveInt = 100_000,
        batch_size: PositiveInt = 256,
        drop_last: bool = True,
    ) -> None:
        # linspace(0, 2 pi, K) would put the first and the last centre on the same point.
        angles = torch.arange(components, dtype=torch.float64) * (2 * math.pi / components)
        centres = radius * torch.stack([angles.cos(), angles.sin()], dim=1)
        super().__init__(centres.float(), sd, size, batch_size, drop_last)


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
        size: Number of points in each split.
        batch_size: Points per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
    """

    def __init__(
        self,
        per_side: PositiveInt = 5,
        spacing: PositiveFloat = 2.0,
        sd: PositiveFloat = 0.05,
        size: PositiveInt = 100_000,
        batch_size: PositiveInt = 256,
        drop_last: bool = True,
    ) -> None:
        ticks = spacing * (torch.arange(per_side, dtype=torch.float32) - (per_side - 1) / 2)
        super().__init__(torch.cartesian_prod(ticks, ticks).reshape(-1, 2), sd, size, batch_size, drop_last)
