"""Whether a run is healthy, and what is done if it is not."""

import sys
from typing import Any, Literal

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from tqdm import tqdm

from ganexp.config.types import Fraction, NonNegativeInt, PositiveFloat, PositiveInt
from ganexp.data.batches import Batches
from ganexp.metrics.measurement import Measurement
from ganexp.models import GAN
from ganexp.runs.checkpoint import newest_before
from ganexp.runs.run import Run
from ganexp.runs.signals import signal
from ganexp.training import health
from ganexp.training.callbacks.periodic import Periodic, agree, log
from ganexp.training.health import VERDICTS, Diverged, RollBack
from ganexp.training.signals import mean_distance
from ganexp.training.state import Ending, RunState

_SEED = 2

# Pairs of samples whose distance is measured, and real samples among which pairs of the same class are looked for.
_PAIRS = 128
_SEARCHED = 4096


class Health(Periodic):
    """Judge a run by its curves, its measurements and the diversity of its samples: see :mod:`.health` for the rules.

    Tags: ``health/verdict`` (0 healthy, 1 declining, 2 saturated, 3 collapsed, 4 diverged), and the reason in the TEXT tab when
    it changes; ``health/diversity``, the mean distance between two samples over that between two real ones, of the same class
    where the generator is told one; ``health/separation`` and ``health/spread`` come from :class:`Scalars`.

    The samples come from a random generator of their own: judging never changes training. Losses or weights that are not
    finite end a run whatever ``action`` says.

    Arguments:
        state: What the run knows of itself; it is given the monitor.
        every: Iterations between two looks at the samples; the rest is judged when it is logged or measured.
        warmup: Share of the budget in which nothing is an alarm but numbers that are not finite.
        patience: Signs in succession that make an alarm; of measurements at most half of those that the budget has.
        diversity: Least ratio of the mean distance between samples to that between real ones.
        decline: Factor between the best value and one that is a sign of decline.
        action: What an alarm does. ``report`` says so; ``stop`` also ends the run, which can be resumed; ``roll_back`` goes
            back to the newest checkpoint from before the first sign and continues with lower learning rates.
        lr_factor: Factor of both learning rates at each return.
        rollbacks: Largest number of returns; then the run is stopped.

    Attributes:
        monitor: The verdict, and the history of alarms and returns.
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
        self.warmup, self.patience, self.diversity, self.decline = warmup, patience, diversity, decline
        self.action, self.lr_factor, self.rollbacks = action, lr_factor, rollbacks
        self.state, self.monitor, self.usual = state, health.Monitor(), health.Usual()
        self._seen: tuple[dict[str, float], Measurement | None] = (state.curves, state.latest)
        self._real = float("nan")
        self._told, self._judged, self._stopped = "healthy", False, False
        self._returning: str | None = None

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Let the summary have the verdict."""
        self.state.health = self.monitor

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Leave out what was judged before the run was resumed, and measure how far real samples lie apart."""
        self._seen = self.state.curves, self.state.latest
        self._told = self.monitor.verdict
        self.monitor.warmup = self.warmup * pl_module.total_iterations
        if not trainer.is_global_zero:
            return
        self._real = _real_distance(trainer.train_dataloader.batches, pl_module.conditional)  # type: ignore[union-attr]
        if self._returning:
            rates = " and ".join(f"{optimizer.defaults['lr']:.3g}" for optimizer in trainer.optimizers)
            _tell(trainer, f"{self._returning}; it continues with the learning rates {rates}", pl_module.counters.iteration)
            self._returning = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Judge what is new, and act on it.

        Raises:
            RollBack: The run is to go back to a good checkpoint.
        """
        if trainer.is_global_zero:
            self._judge_curves(trainer, pl_module.counters.iteration)
            self._judge_measurement()
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            self._say(trainer, pl_module.counters.iteration)
        if self.action != "report" and agree(trainer, self.monitor.reason is not None):
            self._take_action(trainer, pl_module)

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        """Note that numbers are no longer finite."""
        if isinstance(exception, Diverged):
            iteration = pl_module.counters.iteration
            self._observe("finite", str(exception), iteration, patience=0)
            if trainer.is_global_zero:
                self._say(trainer, iteration)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Look at the diversity of the samples, if there is a game in which the generator learns."""
        if self.usual("health/separation") is None:
            return
        generator, n = torch.Generator().manual_seed(_SEED), 2 * _PAIRS
        y, z = model.sample_labels(n, generator), model.sample_latent(n, generator)
        if model.conditional:
            y = y[:_PAIRS].repeat(2)
        ratio, iteration = float(mean_distance(model.sample(z, y))) / self._real, model.counters.iteration
        log(trainer, {"health/diversity": ratio}, iteration)
        self._observe("narrowness", health.narrowness(ratio, self.diversity), iteration, self.patience)

    @property
    def may_return(self) -> bool:
        """Whether the run may go back once more."""
        return self.action == "roll_back" and self.monitor.returns < self.rollbacks

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues; one that was stopped is given another chance."""
        monitor = self.monitor.state_dict() | ({"signs": {}} if self._stopped else {})
        return {"monitor": monitor, "usual": self.usual.seen, "returning": None}

    def _returned(self) -> dict[str, Any]:
        """Return the state of the run that goes back: it has the history, and is healthy."""
        monitor, number = self.monitor, self.monitor.returns + 1
        return {
            "monitor": {"alarms": monitor.alarms, "returns": number, "signs": {}},
            "usual": self.usual.seen,
            "returning": f"return {number} of {self.rollbacks} because it was {monitor.verdict}, {monitor.reason}",
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue :meth:`state_dict`."""
        self.monitor.load_state_dict(state_dict["monitor"])
        self.usual = health.Usual(state_dict["usual"])
        self._returning = state_dict["returning"]

    def _judge_curves(self, trainer: Trainer, iteration: int) -> None:
        """Judge the latest curves."""
        values = self.state.curves
        if values is self._seen[0]:
            return
        self._seen = values, self._seen[1]
        for rule in (health.explosion, health.blindness, health.vanishing):
            self._observe(rule.__name__, rule(values, self.usual), iteration, self.patience)
        for tag, value in values.items():
            if signal(tag).judged:
                self.usual.add(tag, value)

    def _judge_measurement(self) -> None:
        """Judge the latest measurement."""
        latest, best, name = self.state.latest, self.state.best, self.state.best_by
        if latest is None or latest is self._seen[1]:
            return
        self._seen = self._seen[0], latest
        patience = max(1, min(self.patience, self.state.measurements // 2))
        # A run that has only begun to learn covers little, too, but gets better from one measurement to the next.
        seen = "; ".join(self.state.collapses) if best is not latest else None
        self._observe("absence", seen or None, latest.iteration, patience)
        if best is not None and name is not None and name in best.values:
            value, was, real = latest.values[name], best.values[name], latest.real.get(name)
            reason = health.decline(name, value, was, real, self.state.goals[name] == "min", self.decline)
            self._observe("decline", reason, latest.iteration, patience)

    def _observe(self, rule: str, reason: str | None, iteration: int, patience: int) -> None:
        self.monitor.observe(rule, reason, iteration, patience)
        self._judged = True

    def _say(self, trainer: Trainer, iteration: int) -> None:
        """Log the verdict where something was judged, and say so when it changes."""
        if not self._judged:
            return
        self._judged = False
        verdict, reason = self.monitor.verdict, self.monitor.reason
        log(trainer, {"health/verdict": float(VERDICTS[verdict])}, iteration)
        if verdict != self._told:
            self._told = verdict
            _tell(trainer, f"{verdict}: {reason}" if reason else "healthy again", iteration)

    def _take_action(self, trainer: Trainer, model: GAN) -> None:
        """Stop or go back; in all processes alike, as the first one says."""
        if self.may_return:
            first = self.monitor.first_sign  # of the first process, which alone has judged
            checkpoint = None if first is None else newest_before(Run(trainer.default_root_dir), first)
            if agree(trainer, checkpoint is not None):
                raise RollBack(checkpoint, self.state_key, self._returned(), self.lr_factor)
        self._stopped = True
        self.state.end(trainer, Ending("stopped", f"{self.monitor.verdict}: {self.monitor.reason}", 1))


def _tell(trainer: Trainer, text: str, iteration: int) -> None:
    """Write to the terminal, above the progress bar, and to TensorBoard's TEXT tab."""
    tqdm.write(f"ganexp: iteration {iteration:,}: {text}", file=sys.stderr)
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_text("health", text, iteration)


def _real_distance(batches: Batches, by_class: bool) -> float:
    """Return the mean distance between two real samples, of the same class if asked for; NaN where there is none."""
    generator = torch.Generator().manual_seed(_SEED)
    order = torch.randperm(len(batches.x), generator=generator)[:_SEARCHED]
    pairs = order[: len(order) // 2 * 2].view(2, -1)
    if by_class:
        y = batches.y.cpu()
        order = order[y[order].argsort(stable=True)]
        pairs = order[: len(order) // 2 * 2].view(-1, 2).T
        pairs = pairs[:, y[pairs[0]] == y[pairs[1]]]
        pairs = pairs[:, torch.randperm(pairs.shape[1], generator=generator)]
    chosen: Tensor = batches.x[pairs[:, :_PAIRS].reshape(-1).to(batches.x.device)]
    return (float(mean_distance(batches.decode(chosen))) if len(chosen) else 0.0) or float("nan")
