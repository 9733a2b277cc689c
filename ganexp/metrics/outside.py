"""Generated mass outside the region of the real mass.

Contract: the region is that of highest density which holds a given share of the real mass, as
:meth:`ganexp.data.Density.level` bounds it; a sample is outside when the density at it is lower.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from ganexp.config.errors import ConfigError
from ganexp.data import Data, Density
from ganexp.metrics.base import Goal, Metric
from ganexp.metrics.reference import Reference, Samples


class MassOutside(Metric):
    """Measures the share of samples outside the smallest region that holds most of the real mass.

    The region is made of pixels, those of all classes together. Real samples score 1 - ``mass``, or less where many pixels
    share the lowest density of the region: all of these belong to it. In a picture of two colours it is everything bright,
    so real samples score 0.

    References:
        Computing and Graphing Highest Density Regions (Hyndman, 1996)
        https://doi.org/10.1080/00031305.1996.10474359

    Arguments:
        mass: Share of the real mass that the region holds.
    """

    goals: ClassVar[dict[str, Goal]] = {"mass_outside": "min"}

    def __init__(self, mass: Annotated[float, Field(gt=0, le=1)] = 0.99) -> None:
        self.mass = mass

    def check(self, reference: Reference) -> None:
        """Refuse data whose density is no picture.

        Raises:
            ConfigError: The data is not a density.
        """
        self._density(reference.data)

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Measure samples with shape (N, 2).

        Returns:
            `mass_outside`: the fraction of samples outside the region, in [0, 1]. Samples off the unit square and those that
            are not finite are outside.
        """
        density = self._density(reference.data)
        outside = density.density(samples.x) < density.level(self.mass)
        return {"mass_outside": outside.float().mean().item()}

    def _density(self, data: Data) -> Density:
        if not isinstance(data, Density):
            raise ConfigError(
                "mass_outside needs the density of the data",
                "metrics",
                "data",
                hint="use data=density, or metrics=none",
            )
        return data
