"""What the callbacks of a run share, and why the run ended."""

import signal
from dataclasses import dataclass, field
from typing import Literal, cast

from lightning.pytorch import Trainer

from ganexp.metrics.measurement import Measurement
from ganexp.models.base import TwoPlayerModule
from ganexp.training.health import Monitor


@dataclass(frozen=True)
class Ending:
    """Why a run ended otherwise than by spending its budget.

    Attributes:
        status: ``stopped`` (it can be resumed), ``pruned`` or ``diverged``.
        reason: Why, for the summary.
        exit_status: Exit status of the process.
    """

    status: Literal["stopped", "pruned", "diverged"]
    reason: str
    exit_status: int


@dataclass
class RunState:
    """What a run knows of itself while it trains. Callbacks write it and read it, and never look for one another.

    A callback gets it as an argument: annotate any parameter of its constructor with this class (see
    :func:`ganexp.config.build.build`). Measurements and health are those of the first process.

    Attributes:
        curves: The latest log entry, by tag; a new dict for each entry.
        seconds: Training time so far, over all processes that continued this run.
        latest: The last measurement.
        best: The best one.
        best_is_due: Whether the state of this iteration, which has just been measured, is to be kept as the best.
        best_by: The value by which it is the best; None when nothing is measured.
        goals: The values that rank models, and whether the lowest (``min``) or highest (``max``) is the best.
        collapses: The collapses of diversity that the metrics see in the last measurement, a sentence each.
        narrow: In what else its samples are less spread than the data, a sentence each.
        recognised: How often training and held-out samples, by tag, looked more real to the discriminator than generated ones.
        measurements: Number of measurements in the whole budget.
        health: The verdict and the alarms; None when nobody judges.
        received: The signal that the process received, if any.
        spent: Which budget ended the run before all iterations, which makes it a finished one; None: none.
        ending: Why the run ends early; see :meth:`end`.
    """

    curves: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    latest: Measurement | None = None
    best: Measurement | None = None
    best_is_due: bool = False
    best_by: str | None = None
    goals: dict[str, str] = field(default_factory=dict)
    collapses: list[str] = field(default_factory=list)
    narrow: list[str] = field(default_factory=list)
    recognised: dict[str, float] = field(default_factory=dict)
    measurements: int = 0
    health: Monitor | None = None
    received: signal.Signals | None = None
    spent: str | None = None
    ending: Ending | None = None

    def end(self, trainer: Trainer, ending: Ending) -> None:
        """End the run after this iteration, in this process: call it in all of them alike.

        The first reason counts. In the last iteration of the budget, the run is finished and no reason is recorded.
        """
        model = cast(TwoPlayerModule, trainer.lightning_module)
        trainer.should_stop = True
        if self.ending is None and model.counters.iteration < model.total_iterations:
            self.ending = ending


def stopped_by(received: signal.Signals | None) -> Ending:
    """Return the ending of a run that a signal stopped, or that something else stopped as a Ctrl-C would."""
    reason = f"by {received.name}" if received else "before the budget was spent"
    return Ending("stopped", reason, 128 + (received or signal.SIGINT))
