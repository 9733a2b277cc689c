"""The progress bar."""

import sys
from typing import Any, NoReturn

from lightning.pytorch import Callback, Trainer
from tqdm import tqdm

from ganexp.runs.signals import labelled, signal
from ganexp.training.state import RunState


class Progress(Callback):
    """Show iterations done, time left, and the signals that are meant for the bar: losses and images per second.

    Lightning's own bars count calls of ``training_step``, which are groups of iterations here. In a log file the bar is a line
    every half minute.

    Arguments:
        state: What the run knows of itself.
    """

    def __init__(self, state: RunState) -> None:
        self.state = state
        self._bar: tqdm[NoReturn] | None = None
        self._shown = state.curves

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Open the bar at the present iteration."""
        if not trainer.is_global_zero:
            return
        done, total = pl_module.counters.iteration, pl_module.total_iterations
        # A notebook's stream is no terminal, and shows a line that is written over all the same.
        interactive = sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel")
        self._bar = tqdm(
            total=total, initial=done, unit="it", dynamic_ncols=interactive, mininterval=0.2 if interactive else 30.0,
            maxinterval=1.0 if interactive else 30.0, desc="training", smoothing=0.1, leave=True,
        )  # fmt: skip

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Advance by the iterations of the group."""
        if self._bar is None:
            return
        if self.state.curves is not self._shown:
            self._shown = self.state.curves
            shown = [labelled(tag, value) for tag, value in self._shown.items() if signal(tag).bar]
            self._bar.set_postfix_str(", ".join(shown), refresh=False)
        self._bar.update(pl_module.counters.iteration - self._bar.n)

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Close the bar, whatever ended the run."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
