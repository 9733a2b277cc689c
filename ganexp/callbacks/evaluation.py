"""Metrics while the model learns."""

from typing import Any

import torch
from lightning.pytorch import Trainer

from ganexp.callbacks.periodic import Periodic, log
from ganexp.data import Data
from ganexp.metrics import Metric
from ganexp.models import GAN
from ganexp.types import PositiveInt

_SEED = 1


class Evaluation(Periodic):
    """Measure fresh samples, and what the model says of itself, every so often and at the end; tags are ``metrics/<name>``.

    The samples come from a random generator of their own, so measuring never changes training.

    Arguments:
        metrics: What to measure, by name; from the config group ``metrics``.
        every: Iterations between two measurements; by default ``times`` of them are spread over the run.
        times: Measurements in a run.
        samples: Number of generated samples per measurement.
        epochs: Epochs between two measurements.

    Attributes:
        latest: The last measurement.
        measured_at: Its iteration.
        verdicts: What the metrics find wrong in it, a sentence each.
    """

    def __init__(
        self,
        metrics: dict[str, Metric],
        every: PositiveInt | None = None,
        times: PositiveInt = 20,
        samples: PositiveInt = 2500,
        epochs: PositiveInt | None = None,
    ) -> None:
        super().__init__(every, times, epochs)
        self.metrics, self.samples = metrics, samples
        self.latest: dict[str, float] = {}
        self.measured_at: int | None = None
        self.verdicts: list[str] = []

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Measure and log."""
        if not trainer.is_global_zero:
            return
        data = trainer.datamodule.data  # type: ignore[attr-defined]
        measured = self._measure(model, data)
        own = model.evaluate(data)
        if not measured and not own:
            return
        self.latest = {name: value for values in measured.values() for name, value in values.items()} | own
        found = (self.metrics[name].verdict(values) for name, values in measured.items())
        self.verdicts = [verdict for verdict in found if verdict]
        self.measured_at = model.counters.iteration
        log(trainer, {f"metrics/{name}": value for name, value in self.latest.items()}, self.measured_at)

    def _measure(self, model: GAN, data: Data) -> dict[str, dict[str, float]]:
        """Return each metric's values for fresh samples; draw none when there is no metric."""
        if not self.metrics:
            return {}
        generator = torch.Generator(model.device).manual_seed(_SEED)
        y = model.sample_labels(self.samples, generator)
        samples = model.sample(model.sample_latent(self.samples, generator), y)
        return {name: metric(samples, data) for name, metric in self.metrics.items()}

    def protocol(self, model: GAN) -> dict[str, Any]:
        """Return how the last measurement was made."""
        return {
            "iteration": self.measured_at,
            "samples": self.samples,
            "seed": _SEED,
            "ema": model.average is not None,
            "metrics": {name: type(metric).__name__ for name, metric in self.metrics.items()},
        }

    def state_dict(self) -> dict[str, Any]:
        """Return the last measurement, which a resumed run may be asked for before it takes the next."""
        return {"latest": self.latest, "measured_at": self.measured_at, "verdicts": self.verdicts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`."""
        self.latest, self.measured_at = state_dict["latest"], state_dict["measured_at"]
        self.verdicts = state_dict["verdicts"]
