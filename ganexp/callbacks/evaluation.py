"""Metrics while the model learns."""

from typing import Any

import torch
from lightning.pytorch import Trainer

from ganexp.callbacks.periodic import Periodic, log
from ganexp.metrics import Metric
from ganexp.models import GAN
from ganexp.types import PositiveInt

_SEED = 1


class Evaluation(Periodic):
    """Measure fresh samples every so often and at the end; tags are ``metrics/<name>``.

    The samples come from a random generator of their own, so measuring never changes training.

    Arguments:
        metrics: What to measure, by name; from the config group ``metrics``.
        every: Iterations between two measurements; by default ``times`` of them are spread over the run.
        times: Measurements in a run.
        samples: Number of generated samples per measurement.
    """

    def __init__(
        self,
        metrics: dict[str, Metric],
        every: PositiveInt | None = None,
        times: PositiveInt = 20,
        samples: PositiveInt = 2500,
    ) -> None:
        super().__init__(every, times)
        self.metrics, self.samples = metrics, samples
        self.latest: dict[str, float] = {}
        self.measured_at: int | None = None

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Measure and log."""
        if not self.metrics or not trainer.is_global_zero:
            return
        generator = torch.Generator(model.device).manual_seed(_SEED)
        y = model.sample_labels(self.samples, generator)
        samples = model.sample(model.sample_latent(self.samples, generator), y)
        data = trainer.datamodule.data  # type: ignore[attr-defined]
        self.latest = {k: v for metric in self.metrics.values() for k, v in metric(samples, data).items()}
        self.measured_at = model.counters.iteration
        log(trainer, {f"metrics/{name}": value for name, value in self.latest.items()}, self.measured_at)

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
        return {"latest": self.latest, "measured_at": self.measured_at}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`."""
        self.latest, self.measured_at = state_dict["latest"], state_dict["measured_at"]
