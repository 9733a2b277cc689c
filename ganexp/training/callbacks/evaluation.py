"""Metrics while the model learns, and which of its states was the best."""

import math
from dataclasses import asdict
from typing import Any

from lightning.pytorch import Trainer

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt, Seed
from ganexp.metrics import Metric, Reference
from ganexp.metrics.measurement import Measurement, goals, measure
from ganexp.models import GAN
from ganexp.training.callbacks.periodic import Periodic, log


class Evaluation(Periodic):
    """Measure fresh samples, and what the model says of itself, every so often and at the end; tags are ``metrics/<name>``.

    What real samples score goes to ``real/<name>``, once. The samples come from a random generator of their own, so measuring
    never changes training.

    Arguments:
        metrics: What to measure, by name; from the config group ``metrics``.
        reference: What to measure against, prepared.
        settings: The options of each metric, for the protocol.
        every: Iterations between two measurements; by default ``times`` of them are spread over the run.
        times: Measurements in a run; by default 50 of points or 20 of images.
        samples: Number of generated samples per measurement; by default 2,500 points or 1,000 images.
        epochs: Epochs between two measurements.
        seed: Seed of the latents and labels.
        best: The value by which the best state is chosen; by default the first of the first metric.

    Raises:
        ConfigError: No metric gives the value ``best``, or it is none by which models are ranked.

    Attributes:
        latest: The last measurement.
        best: The best one.
        best_by: The value by which it is the best; None when nothing is measured.
        lower_is_better: Whether it is the lowest.
        collapses: The collapses of diversity that the metrics see in the last measurement, a sentence each.
    """

    def __init__(
        self,
        metrics: dict[str, Metric],
        reference: Reference,
        settings: dict[str, Any],
        every: PositiveInt | None = None,
        times: PositiveInt | None = None,
        samples: PositiveInt | None = None,
        epochs: PositiveInt | None = None,
        seed: Seed = 1,
        best: str | None = None,
    ) -> None:
        super().__init__(every, times or reference.data.evaluations, epochs)
        self.metrics, self.reference, self.settings, self.seed = metrics, reference, settings, seed
        self.samples = samples or reference.data.few
        ranked = goals(metrics)
        if best is not None and best not in ranked:
            there = ", ".join(ranked) or "none with the present metrics"
            raise ConfigError("no such value ranks models", "callbacks.evaluation.best", hint=f"there is: {there}")
        self.best_by = best or next(iter(ranked), None)
        self.lower_is_better = ranked.get(self.best_by or "") == "min"
        self.latest: Measurement | None = None
        self.best: Measurement | None = None
        self.collapses: list[str] = []

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Measure and log."""
        if not trainer.is_global_zero:
            return
        first = self.latest is None
        measured = measure(model, self.metrics, self.reference, self.settings, self.samples, self.seed)
        if not measured.values:
            return
        found = (metric.collapse(measured.values) for metric in self.metrics.values())
        self.collapses = [sentence for sentence in found if sentence]
        self.latest = measured
        if self._improves(measured):
            self.best = measured
        logged = {f"metrics/{name}": value for name, value in measured.values.items()}
        if first:
            logged |= {f"real/{name}": value for name, value in measured.real.items()}
        log(trainer, logged, measured.iteration)

    def _improves(self, measured: Measurement) -> bool:
        """Return whether a measurement is the best so far; one without the value, or with one that is no number, never is."""
        if self.best_by is None:
            return False
        value = measured.values.get(self.best_by, math.nan)
        if self.best is None:
            return not math.isnan(value)
        best = self.best.values[self.best_by]
        return value < best if self.lower_is_better else value > best

    def state_dict(self) -> dict[str, Any]:
        """Return the last and the best measurement, which a resumed run may be asked for before it takes the next."""
        kept = {name: found and asdict(found) for name, found in (("latest", self.latest), ("best", self.best))}
        return {**kept, "collapses": self.collapses, "best_by": self.best_by}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`; a best that was chosen by another value is none."""
        latest, best = state_dict["latest"], state_dict["best"]
        self.latest = latest and Measurement(**latest)
        self.best = best and Measurement(**best) if state_dict["best_by"] == self.best_by else None
        self.collapses = state_dict["collapses"]
