"""A run that is a trial of a search: it reports what it scores, and ends early when others do better."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer

from ganexp.metrics.measurement import Measurement
from ganexp.sweeps.search.study import frozen, load, trial_of
from ganexp.training.callbacks.periodic import agree
from ganexp.training.state import Ending, RunState


class Trial(Callback):
    """Report each measurement of a value to a trial of an Optuna study, and stop the run when its pruner says so.

    A report's step is the per cent of the budget that is spent, so that pruners mean the same in runs of any length. What is
    reported for a step stays: a run that is resumed reports nothing twice. At the end of the budget nothing is pruned.

    Arguments:
        state: What the run knows of itself.
        folder: The folder of the search.
        storage: The database with the study, if it is not in the folder.
        number: The number of the trial.
        value: The value to report.
        pruner: One of ``optuna.pruners``.
    """

    def __init__(self, state: RunState, folder: str, storage: str | None, number: int, value: str, pruner: Any) -> None:
        study = load(Path(folder), storage, pruner=pruner)
        self.state, self.value, self.trial = state, value, trial_of(study, number)
        self._reported = set(frozen(study, number).intermediate_values)
        self._seen: Measurement | None = None
        self._pruned: str | None = None

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Leave out what was measured before the run was resumed."""
        self._seen = self.state.latest

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Report what has just been measured."""
        latest = self.state.latest
        if trainer.is_global_zero and latest is not None and latest is not self._seen:
            self._seen = latest
            self._report(latest, pl_module.total_iterations)
        if agree(trainer, self._pruned is not None):
            self.state.end(trainer, Ending("pruned", self._pruned or "in another process", 0))

    def _report(self, measured: Measurement, total: int) -> None:
        step = 100 * measured.iteration // total
        if self.value not in measured.values or step in self._reported:
            return
        value = measured.values[self.value]
        self.trial.report(value, step)
        self._reported.add(step)
        if measured.iteration < total and self.trial.should_prune():
            by = type(self.trial.study.pruner).__name__
            self._pruned = f"by {by}: {self.value} is {value:.4g} at iteration {measured.iteration:,}"
