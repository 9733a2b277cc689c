"""Ctrl-C and SIGTERM end a run between two iterations, so that it can be continued exactly."""

import signal
import threading
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, Trainer

from ganexp.callbacks.periodic import agree

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(Callback):
    """Finish the present iterations, save, and stop; a second Ctrl-C stops at once, without saving.

    Lightning by itself ends with exit status 0 and saves nothing on SIGTERM.

    Attributes:
        received: The signal that stopped the run, if one did.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Take the signals over, from Lightning too."""
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._handle) for number in _SIGNALS}

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop if a signal came."""
        if agree(trainer, self.received is not None):
            trainer.should_stop = True

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
        elif number == signal.SIGINT:  # SIGTERM comes several times where both a cluster and a supervisor send it
            raise KeyboardInterrupt
