"""A budget of time as a number of iterations: how fast a run is, is measured before it begins.

The run itself knows the number alone: its schedules are stretched to it, and it resumes exactly.
"""

import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer

from ganexp.config.build import build
from ganexp.metrics.measurement import measure, prepare
from ganexp.models import GAN
from ganexp.runs.run import Run
from ganexp.training.callbacks import Evaluation, Measures
from ganexp.training.components import Components, build_components
from ganexp.training.experiment import assemble
from ganexp.training.state import RunState

_WARM = 0.5  # seconds of training that are not watched: the first iterations are slower
_WATCHED = 1.5  # seconds from which the speed is taken
_LEAST = 0.5  # share of the time for training, however long measurements take
_MOST = 10**9  # iterations


def plan(config: dict[str, Any], components: Components, budget: float) -> tuple[int, str]:
    """Return how many iterations a run makes in a time, its measurements included, and in words how that was found.

    Arguments:
        config: The resolved configuration of the run.
        components: What was built of it.
        budget: The time in seconds.
    """
    trial = deepcopy(config) | {"callbacks": {}, "logger": {}, "metrics": {}}
    trial["trainer"] |= {"max_epochs": None, "max_iterations": _MOST}
    watch = _Stopwatch()
    with tempfile.TemporaryDirectory(prefix="ganexp-") as folder:
        # Of its own objects: those of the run would remember what they have seen, and lose their schedules.
        experiment = assemble(trial, Run(Path(folder, "run")), build_components(trial))
        experiment.trainer.callbacks.append(watch)  # type: ignore[attr-defined]
        experiment.trainer.fit(experiment.model, datamodule=experiment.data)
    measuring, evaluation = _measuring(config, components, experiment.model)
    least, training, found = _LEAST * budget, budget, f"of {1000 * watch.iteration:.3g} ms"
    each = watch.iteration
    if evaluation is not None:
        found += f", with measurements of {measuring:.2g} s"
        if evaluation.every is None and evaluation.epochs is None:
            training -= evaluation.times * measuring
        else:
            each += measuring / evaluation.cadence(_MOST, experiment.data.iterations_per_epoch)
    iterations = min(max(1, int(max(training / each, least / watch.iteration))), _MOST)
    return iterations, f"{iterations:,} iterations {found}"


def _measuring(config: dict[str, Any], components: Components, model: GAN) -> tuple[float, Evaluation | None]:
    """Return the seconds of a measurement, and what makes it; None where the run measures nothing."""
    measures = Measures(components.metrics, components.reference, config["metrics"])
    callbacks = build(config["callbacks"], "callbacks", [RunState(), measures]).values()
    evaluation = next((callback for callback in callbacks if isinstance(callback, Evaluation)), None)
    if evaluation is None:
        return 0.0, None
    kept, took = evaluation.measures, 0.0
    prepare(kept.metrics, kept.reference)
    for _ in range(2):  # the first one also measures what real samples score
        began = time.perf_counter()
        measure(model, kept.metrics, kept.reference, kept.settings, evaluation.samples, evaluation.seed)
        took = time.perf_counter() - began
    return took, evaluation


class _Stopwatch(Callback):
    """Stop training when the speed is known.

    Attributes:
        iteration: Seconds of an iteration.
    """

    iteration = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self._began, self._skipped = time.perf_counter(), 0
        self._first: float | None = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        now, done = time.perf_counter(), pl_module.counters.iteration
        if self._first is None:
            if now - self._began >= _WARM:
                self._first, self._skipped = now, done
        elif now - self._first >= _WATCHED:
            self.iteration = (now - self._first) / (done - self._skipped)
            trainer.should_stop = True
