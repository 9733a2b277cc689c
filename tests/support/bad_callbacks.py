"""A callback for tests: it ends runs badly."""

import os
import signal

from lightning.pytorch import Callback


class EndBadly(Callback):
    """Raise, or be killed, at an iteration of the run with some seed; only once for each run directory."""

    def __init__(self, seed: int, how: str, at: int = 4) -> None:
        self.seed, self.how, self.at = seed, how, at

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        folder = str(trainer.default_root_dir)
        mark = os.path.join(folder, "ended-badly")
        if pl_module.counters.iteration < self.at or not folder.endswith(f"seed={self.seed}") or os.path.exists(mark):
            return
        open(mark, "w").close()
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError("this run was to fail")
