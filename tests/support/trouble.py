"""A callback for runs that come to grief on a cluster: jobs find it by PYTHONPATH."""

import json
import os
import signal
import time
from pathlib import Path

from lightning.pytorch import Callback

from ganexp.training.state import RunState

ITERATION = 100
PATIENCE = 300  # seconds for what the test is to do


class Trouble(Callback):
    """Disturb the first attempt of a run half way, at which it leaves the file ``half`` with what it knows of its job.

    Arguments:
        state: What the run knows of itself.
        what: What happens: it ``raises``, is ``killed`` with the process that supervises it, stays ``healthy``, or else waits
            until it is told to stop, or there is a file ``go``.
    """

    def __init__(self, state: RunState, what: str):
        self.state, self.what = state, what

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        half = Path(trainer.default_root_dir, "half")
        if pl_module.counters.iteration != ITERATION or self.what == "healthy" or half.exists():
            return
        half.write_text(json.dumps({name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "SLURM_NTASKS")}))
        if self.what == "raises":
            raise RuntimeError("no luck")
        if self.what == "killed":
            os.kill(os.getppid(), signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while self.state.received is None and not half.with_name("go").exists():
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.05)
