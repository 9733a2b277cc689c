"""The health of a run, and the action if it is not healthy."""

import sys
from typing import Any, Literal

from lightning.pytorch import Trainer
from tqdm import tqdm

from ganexp.config.types import Fraction, NonNegativeInt, PositiveFloat, PositiveInt
from ganexp.models import GAN
from ganexp.runs.checkpoint import newest_before
from ganexp.runs.run import Run
from ganexp.training.callbacks.periodic import Periodic, agree, log
from ganexp.training.diversity import by_class, generated_distance, real_distance
from ganexp.training.health import VERDICTS, Diverged, Monitor, RollBack
from ganexp.training.reports import show_text
from ganexp.training.state import Ending, RunState


class Health(Periodic):
    """Judge a run by its curves, its measurements and the diversity of its samples: see :mod:`ganexp.training.rules`.

    It logs ``health/verdict``, and the reason in the TEXT tab when the verdict changes, and ``health/diversity``. Judging never
    changes training. Losses or weights that are not finite end a run whatever ``action`` says.

    Arguments:
        state: What the run knows of itself; it is given the monitor.
        every: Iterations between two looks at the samples; the rest is judged when it is logged or measured.
        warmup: Share of the budget in which nothing is an alarm but numbers that are not finite.
        patience: Consecutive signs that raise an alarm; for measurements, at most half of those in the budget.
        diversity: Least ratio of the mean distance between samples to that between real ones.
        decline: Factor between the best value and one that is a sign of decline.
        action: What an alarm does. ``report`` reports it; ``stop`` also ends the run, which can be resumed; ``roll_back`` goes
            back to the newest checkpoint from before the first sign and continues with lower learning rates.
        lr_factor: Factor of both learning rates at each return.
        rollbacks: Largest number of returns; then the run is stopped.
    """

    def __init__(
        self,
        state: RunState,
        every: PositiveInt = 100,
        warmup: Fraction = 0.1,
        patience: PositiveInt = 3,
        diversity: Fraction = 0.15,
        decline: PositiveFloat = 2.0,
        action: Literal["report", "stop", "roll_back"] = "report",
        lr_factor: PositiveFloat = 0.5,
        rollbacks: NonNegativeInt = 3,
    ) -> None:
        super().__init__(every)
        self.state, self.monitor, self.warmup = state, Monitor(patience, diversity, decline), warmup
        self.action, self.lr_factor, self.rollbacks = action, lr_factor, rollbacks
        self._curves, self._measurement = state.curves, state.latest
        self._real_distance = float("nan")
        self._reported = "healthy"
        self._ending: Ending | None = None
        self._returning: str | None = None

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Let the summary have the verdict."""
        self.state.health = self.monitor

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Leave out what was judged before the run was resumed, and measure how far real samples lie apart."""
        self._curves, self._measurement = self.state.curves, self.state.latest
        self._reported = self.monitor.verdict
        self.monitor.warmup = self.warmup * pl_module.total_iterations
        if not trainer.is_global_zero:
            return
        self._real_distance = real_distance(trainer.train_dataloader.batches, by_class(pl_module))  # type: ignore[union-attr]
        if self._returning:
            rates = " and ".join(f"{optimizer.defaults['lr']:.3g}" for optimizer in trainer.optimizers)
            text = f"{self._returning}; it continues with the learning rates {rates}"
            _announce(trainer, text, pl_module.counters.iteration)
            self._returning = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Judge what is new, and act on it.

        Raises:
            RollBack: The run is to go back to a good checkpoint.
        """
        if trainer.is_global_zero:
            self._judge(pl_module.counters.iteration, pl_module.total_iterations)
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            self._report(trainer, pl_module.counters.iteration)
        if self.action != "report" and agree(trainer, self.monitor.reason is not None):
            self._take_action(trainer)

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        """Record numbers that are no longer finite."""
        if isinstance(exception, Diverged):
            self.monitor.observe("finite", str(exception), pl_module.counters.iteration)
            if trainer.is_global_zero:
                self._report(trainer, pl_module.counters.iteration)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Look at the diversity of the samples, if the generator learns from a discriminator."""
        if self.monitor.usual("health/separation") is None:
            return
        ratio = generated_distance(model) / self._real_distance
        log(trainer, {"health/diversity": ratio}, model.counters.iteration)
        self.monitor.judge_diversity(ratio, model.counters.iteration)

    @property
    def may_return(self) -> bool:
        """Whether the run may go back once more."""
        return self.action == "roll_back" and self.monitor.returns < self.rollbacks

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues; one that was stopped here is given another chance."""
        stopped = self._ending is not None and self.state.ending is self._ending
        return {"monitor": self.monitor.state_dict() | ({"signs": {}} if stopped else {}), "returning": None}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue :meth:`state_dict`."""
        self.monitor.load_state_dict(state_dict["monitor"])
        self._returning = state_dict["returning"]

    def _judge(self, iteration: int, total: int) -> None:
        """Judge the curves and the measurement that are new."""
        state = self.state
        if state.curves is not self._curves:
            self._curves = state.curves
            self.monitor.judge_curves(state.curves, iteration)
        if state.latest is not None and state.latest is not self._measurement:
            self._measurement = state.latest
            self.monitor.judge_measurement(
                state.latest, state.best, state.goals, state.best_by, state.collapses, state.narrow,
                state.measurements, state.latest.iteration / total,
            )  # fmt: skip
            if state.recognised:
                self.monitor.judge_recognition(state.recognised, state.latest.iteration, state.measurements)

    def _report(self, trainer: Trainer, iteration: int) -> None:
        """Log the verdict where something was judged, and announce a new one."""
        if self.monitor.judged_at != iteration:
            return
        verdict, reason = self.monitor.verdict, self.monitor.reason
        log(trainer, {"health/verdict": float(VERDICTS[verdict])}, iteration)
        if verdict != self._reported:
            self._reported = verdict
            _announce(trainer, f"{verdict}: {reason}" if reason else "healthy again", iteration)

    def _take_action(self, trainer: Trainer) -> None:
        """Go back or stop, in all processes alike, as the first one decides: it alone has judged."""
        monitor = self.monitor
        if self.may_return:
            first = monitor.first_sign
            checkpoint = None if first is None else newest_before(Run(trainer.default_root_dir), first)
            if agree(trainer, checkpoint is not None):
                number = monitor.returns + 1
                reason = f"return {number} of {self.rollbacks} because it was {monitor.verdict}, {monitor.reason}"
                state = {"monitor": monitor.state_dict() | {"returns": number, "signs": {}}, "returning": reason}
                raise RollBack(checkpoint, self.state_key, state, self.lr_factor)
        self._ending = Ending("stopped", f"{monitor.verdict}: {monitor.reason}", 1)
        self.state.end(trainer, self._ending)


def _announce(trainer: Trainer, text: str, iteration: int) -> None:
    """Write to the terminal, above the progress bar, and to the loggers that take text."""
    tqdm.write(f"ganexp: iteration {iteration:,}: {text}", file=sys.stderr)
    for logger in trainer.loggers:
        show_text(logger, "health", text, iteration)
