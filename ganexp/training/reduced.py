"""The options of Lightning's trainer that make a run small, as its users know them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from ganexp.config.build import check_value
from ganexp.config.types import NonNegativeInt, PositiveInt

OPTIONS = ("fast_dev_run", "overfit_batches", "limit_train_batches")

_FEW = 3  # iterations: a first one, one that goes on from it, and one more for what happens every other time
_Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class Reduced:
    """How a run is made small.

    Attributes:
        iterations: All that a run has which only shows that it works: it measures, draws and saves once, and leaves nothing.
            None: the run has its own budget.
        limit: Batches of an epoch, or the share of them; None: all.
        fixed: Whether every epoch has the same batches in the same order.
    """

    iterations: int | None = None
    limit: int | float | None = None
    fixed: bool = False

    @classmethod
    def of(cls, trainer: Mapping[str, Any]) -> "Reduced":
        """Return what a ``trainer`` node says.

        Raises:
            ConfigError: A value is not of the kind that Lightning takes.
        """
        fast, overfit, limit = (trainer.get(option) for option in OPTIONS)
        check_value(fast, bool | NonNegativeInt | None, "trainer.fast_dev_run")
        check_value(overfit or None, PositiveInt | _Share | None, "trainer.overfit_batches")
        check_value(limit, PositiveInt | _Share | None, "trainer.limit_train_batches")
        return cls(_FEW if fast is True else fast or None, overfit or limit, bool(overfit))
