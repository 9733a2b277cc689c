"""Metrics while the model learns, and which of its states was the best."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt, Seed
from ganexp.metrics import Metric, Reference, Samples
from ganexp.metrics.measurement import Measurement, collapses, enough, goals, measure, narrownesses
from ganexp.models import GAN
from ganexp.runs.archive import Damaged
from ganexp.runs.checkpoint import load
from ganexp.runs.run import BEST
from ganexp.training.callbacks.periodic import Periodic, log
from ganexp.training.recognition import learnt, recognised
from ganexp.training.state import RunState


@dataclass(frozen=True)
class Measures:
    """What a run measures.

    Attributes:
        metrics: The metrics, by name.
        reference: What they measure against, prepared.
        settings: The options of each metric, for the protocol.
    """

    metrics: dict[str, Metric]
    reference: Reference
    settings: dict[str, Any]


class Evaluation(Periodic):
    """Measure fresh samples, and ask the model for its own measures, regularly and at the end; tags are ``metrics/<name>``.

    What real samples score goes to ``real/<name>``, once. How often training and held-out samples look more real to the
    discriminator than generated ones goes to ``health/recognised`` and ``health/held_out``. All samples come from random
    generators of their own, so measuring never changes training.

    Arguments:
        measures: What to measure; from the config group ``metrics``.
        state: What the run knows of itself; it is given the last and the best measurement.
        every: Iterations between two measurements; by default ``times`` of them are spread over the run.
        times: Measurements in a run; by default 50 of points or 20 of images.
        samples: Number of generated samples per measurement; by default 2,500 points or 1,000 images.
        epochs: Epochs between two measurements.
        seed: Seed of the latents and labels.
        best: The value by which the best state is chosen; by default the first of the first metric.

    Raises:
        ConfigError: No metric gives the value ``best``, or it is none by which models are ranked.
    """

    def __init__(
        self,
        measures: Measures,
        state: RunState,
        every: PositiveInt | None = None,
        times: PositiveInt | None = None,
        samples: PositiveInt | None = None,
        epochs: PositiveInt | None = None,
        seed: Seed = 1,
        best: str | None = None,
    ) -> None:
        data = measures.reference.data
        super().__init__(every, times or data.evaluations, epochs)
        self.state, self.seed, self.samples = state, seed, samples or data.few
        metrics = enough(measures.metrics, measures.reference, self.samples, "callbacks.evaluation.samples")
        self.measures = measures = replace(measures, metrics=metrics)
        ranked = goals(measures.metrics)
        if best is not None and best not in ranked:
            there = ", ".join(ranked) or "none with the present metrics"
            raise ConfigError("models cannot be ranked by this value", "callbacks.evaluation.best", hint=f"choices: {there}")
        self.goals, self.best_by = ranked, best or next(iter(ranked), None)
        self._ahead: Measurement | None = None
        self._learnt: Samples | None = None

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Set what models are ranked by."""
        self.state.goals, self.state.best_by = self.goals, self.best_by

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Set how many measurements are planned, and recall a best state from later on."""
        total, per_epoch = pl_module.total_iterations, trainer.datamodule.iterations_per_epoch  # type: ignore[attr-defined]
        self.state.measurements = total // self.cadence(total, per_epoch)
        self._ahead = self._best_after(Path(trainer.default_root_dir, "checkpoints", BEST), pl_module.counters.iteration)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Measure and log."""
        if not trainer.is_global_zero:
            return
        first, measures = self.state.latest is None, self.measures
        measured = measure(model, measures.metrics, measures.reference, measures.settings, self.samples, self.seed)
        if not measured.values:
            return
        self.state.collapses = collapses(measures.metrics, measured)
        self.state.narrow = narrownesses(measures.metrics, measured)
        self.state.latest = measured
        if self._better(measured, self.state.best):
            self.state.best = measured
        if self._ahead is not None and measured.iteration >= self._ahead.iteration:
            self._take_ahead()
        self.state.best_is_due = self.state.best is measured and (self._ahead is None or self._better(measured, self._ahead))
        if self._learnt is None:
            self._learnt = learnt(model, measures.reference, self.samples)
        self.state.recognised = recognised(model, self._learnt, measures.reference.real("test", self.samples))
        logged = {f"metrics/{name}": value for name, value in measured.values.items()} | self.state.recognised
        if first:
            logged |= {f"real/{name}": value for name, value in measured.real.items()}
        log(trainer, logged, measured.iteration)

    def on_fit_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Count a best state from later on, which the run has not reached again."""
        self._take_ahead()

    def _better(self, measured: Measurement, best: Measurement | None) -> bool:
        """Return whether a measurement beats another; one without the value, or with one that is no number, never does."""
        if self.best_by is None:
            return False
        value = measured.values.get(self.best_by, math.nan)
        if best is None:
            return not math.isnan(value)
        known = best.values[self.best_by]
        return value < known if self.goals[self.best_by] == "min" else value > known

    def _best_after(self, path: Path, iteration: int) -> Measurement | None:
        """Return the measurement of a best checkpoint that is later than where the run continues, after a kill or a roll-back.

        Training is the same as if there were none, but no worse state replaces that checkpoint.
        """
        try:
            saved = load(path) if path.is_file() else None
        except Damaged:  # it will be replaced
            return None
        later = saved is not None and saved.iteration > iteration
        return self._best_in(saved.callbacks[self.state_key]) if saved and later else None

    def _take_ahead(self) -> None:
        if self._ahead is not None and self._better(self._ahead, self.state.best):
            self.state.best = self._ahead
        self._ahead = None

    def state_dict(self) -> dict[str, Any]:
        """Return the last and the best measurement, which a resumed run may be asked for before it takes the next."""
        kept = {name: found and asdict(found) for name, found in (("latest", self.state.latest), ("best", self.state.best))}
        return {**kept, "collapses": self.state.collapses, "narrow": self.state.narrow, "best_by": self.best_by}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`; a best that was chosen by another value is none."""
        latest = state_dict["latest"]
        self.state.latest = latest and Measurement(**latest)
        self.state.collapses, self.state.narrow = state_dict["collapses"], state_dict["narrow"]
        self.state.best = self._best_in(state_dict)

    def _best_in(self, state_dict: dict[str, Any]) -> Measurement | None:
        best = state_dict["best"] if state_dict["best_by"] == self.best_by else None
        return best and Measurement(**best)
