"""Curves: what the model observes, largest weights, learning rates and speed."""

import math
import time
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only

from ganexp.config.types import PositiveInt
from ganexp.models import GAN
from ganexp.runs.signals import signal
from ganexp.training.callbacks.periodic import Periodic, log
from ganexp.training.health import Diverged
from ganexp.training.signals import largest, reduce
from ganexp.training.state import RunState


class Scalars(Periodic):
    """Log what the model has observed in the last ``every`` iterations: see :mod:`ganexp.runs.signals` for the tags.

    A value that any part of a model hands to ``model.observe("my/tag", value)`` is logged without an edit of this class.

    Arguments:
        state: What the run knows of itself; it is given the curves and the training time.
        every: Iterations between two entries.
    """

    def __init__(self, state: RunState, every: PositiveInt = 50) -> None:
        super().__init__(every)
        self.state = state
        self._since: tuple[float, int, int] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Start watching and start the clock."""
        pl_module.watch_every = self.every
        self._since = _now(pl_module)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Read what was observed with one wait for the device, and log it.

        Raises:
            Diverged: A loss or a weight is not finite.
        """
        reduced = reduce(model.observations.take())
        players = {"d": model.discriminator, "g": model.generator}
        reduced |= {f"largest_weight/{player}": largest(network.parameters()) for player, network in players.items()}
        vector = torch.stack(list(reduced.values()))
        if trainer.world_size > 1:
            vector = trainer.strategy.reduce(vector, reduce_op="mean")
        values = dict(zip(reduced, vector.tolist(), strict=True))
        seconds, images, iterations = self._spend(model)
        values |= {f"lr/{player}": rate for player, rate in model.learning_rates().items()}
        values["progress/epoch"] = float(trainer.current_epoch)
        values["progress/images_per_second"] = images / seconds
        per_epoch = trainer.datamodule.iterations_per_epoch  # type: ignore[attr-defined]
        values["progress/seconds_per_epoch"] = seconds / iterations * per_epoch
        self.state.curves = values
        self._log(trainer, values, model.counters.iteration)
        broken = [tag for tag, value in values.items() if signal(tag).finite and not math.isfinite(value)]
        if broken:
            raise Diverged(f"{broken[0]} is {values[broken[0]]} at iteration {model.counters.iteration:,}")

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Count the time since the last log entry."""
        self._spend(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        """Count the time since the last log entry."""
        self._spend(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues: the latest entry, and the time, to which that since the entry belongs."""
        since = time.perf_counter() - self._since[0] if self._since else 0.0
        return {"curves": self.state.curves, "seconds": self.state.seconds + since}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue :meth:`state_dict`."""
        self.state.curves, self.state.seconds = state_dict["curves"], state_dict["seconds"]

    def _spend(self, model: GAN) -> tuple[float, int, int]:
        """Return the seconds, images and iterations since the last call; without any iteration, the time goes on."""
        now = _now(model)
        if self._since is None or now[2] == self._since[2]:
            return 0.0, 0, 0
        seconds, images, iterations = (after - before for after, before in zip(now, self._since, strict=True))
        self.state.seconds += seconds
        self._since = now
        return seconds, int(images), int(iterations)

    @rank_zero_only
    def _log(self, trainer: Trainer, values: dict[str, float], iteration: int) -> None:
        log(trainer, values, iteration)


def _now(model: GAN) -> tuple[float, int, int]:
    return time.perf_counter(), model.counters.images_seen, model.counters.iteration
