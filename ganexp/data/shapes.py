"""Shapes in the plane on which clusters and dimensions are explained: two moons, and a roll.

Contract: a split is a function of the constructor's arguments alone.
"""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.types import NonNegativeFloat, PositiveInt
from ganexp.data.base import SEEDS, Split, StreamOptions, digest
from ganexp.data.points import Points

# The roll of scikit-learn reaches 15; here, it fits where the other shapes do.
_ROLL = 1 / 7.5


class Shape(Points):
    """A curve with noise around it.

    Arguments:
        noise: Standard deviation of the noise, isotropic.
        size: Number of points in each split.
        stream: See :class:`ganexp.data.StreamOptions`.
    """

    def __init__(self, noise: NonNegativeFloat = 0.05, size: PositiveInt = 100_000, **stream: Unpack[StreamOptions]) -> None:
        super().__init__(**stream)
        self.noise, self.size = noise, size

    @property
    def memory(self) -> int:
        """Points, in double and single precision, and their places on the curve."""
        return 64 * self.size

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the shape, the noise and the number of points."""
        return digest(type(self).__name__, f"{self.noise} {self.size}")


class Moons(Shape):
    """Two interleaving half circles, whose labels are the moons; scikit-learn draws them."""

    num_classes = 2
    class_names = ("upper", "lower")

    def load(self, split: Split) -> tuple[Tensor, Tensor]:
        """Draw the points (float32, (size, 2)) and their moons (int64, (size,)) from the split's own seed."""
        from sklearn.datasets import make_moons

        points, labels = make_moons(self.size, noise=self.noise, random_state=SEEDS[split])
        return torch.from_numpy(points).float(), torch.from_numpy(labels).long()


class SwissRoll(Shape):
    """A spiral, the cross-section of the Swiss roll that scikit-learn draws, between -2 and 2.

    References:
        Nonlinear Dimensionality Reduction by Locally Linear Embedding (Roweis, Saul, 2000)
        https://doi.org/10.1126/science.290.5500.2323
    """

    def load(self, split: Split) -> tuple[Tensor, None]:
        """Draw the points (float32, (size, 2)) from the split's own seed."""
        from sklearn.datasets import make_swiss_roll

        roll, _ = make_swiss_roll(self.size, noise=self.noise / _ROLL, random_state=SEEDS[split])
        return torch.from_numpy(np.ascontiguousarray(roll[:, [0, 2]]) * _ROLL).float(), None
