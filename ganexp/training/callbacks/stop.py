"""Ctrl-C, SIGTERM and SIGHUP end a run between two iterations, so that it can be continued exactly."""

import os
import signal
import threading
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, Trainer

from ganexp.training.callbacks.periodic import agree
from ganexp.training.state import RunState, stopped_by

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopOnSignal(Callback):
    """Finish the present iterations, save, and stop; a second Ctrl-C ends the process at once, without saving.

    Lightning by itself ends with exit status 0 and saves nothing on SIGTERM, and makes an exit status of 1 of Ctrl-C, as if the
    run had failed. Who trains gives the signals back: Lightning would have them before it is through.

    Arguments:
        state: What the run knows of itself; it is given the signal.
    """

    def __init__(self, state: RunState) -> None:
        self.state = state
        self._trainer: Trainer | None = None

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Take the signals over."""
        self._trainer = trainer
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
                    signal.signal(number, self._handle)

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Take SIGTERM over from Lightning, which has put itself in front, and would act on one that has come since."""
        self.setup(trainer, pl_module, "fit")
        trainer._signal_connector.received_sigterm = False

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop if a signal came."""
        if agree(trainer, (received := self.state.received) is not None):
            self.state.end(trainer, stopped_by(received))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.state.received is None:
            self.state.received = signal.Signals(number)
        elif number == signal.SIGINT:  # SIGTERM comes several times where both a cluster and a supervisor send it
            launcher = self._trainer.strategy.launcher if self._trainer else None
            if launcher is not None:  # the run's other processes would wait for this one
                launcher.kill(signal.SIGKILL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
