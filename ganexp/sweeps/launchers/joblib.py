"""Several runs at a time on one machine, which share its GPUs or its cores."""

import os
import queue
import subprocess
from collections.abc import Sequence
from typing import Any

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeInt, PositiveInt
from ganexp.sweeps.launchers import Launcher


class Joblib(Launcher):
    """Keep ``n_jobs`` runs going by joblib's threads, each of which waits for a process of its own.

    A run sees ``gpus_per_job`` GPUs, which it shares with ``jobs_per_gpu - 1`` others. Without a GPU, or with ``gpus=[]``, each
    has its share of the cores: threads that wait for each other's cores make a step many times slower.

    Arguments:
        n_jobs: Runs at a time; by default as many as the GPUs take, or one per core.
        gpus: Numbers of the GPUs to use, as in ``CUDA_VISIBLE_DEVICES``; by default all that can be seen.
        gpus_per_job: GPUs of one run, for ``trainer.devices``.
        jobs_per_gpu: Runs on one GPU at a time.
        threads: CPU threads of each run; by default its share of the cores.
    """

    def __init__(
        self,
        n_jobs: PositiveInt | None = None,
        gpus: Sequence[NonNegativeInt | str] | None = None,
        gpus_per_job: PositiveInt = 1,
        jobs_per_gpu: PositiveInt = 1,
        threads: PositiveInt | None = None,
    ) -> None:
        gpus = visible_gpus() if gpus is None else [str(gpu) for gpu in gpus]
        if 0 < len(gpus) < gpus_per_job:
            raise ConfigError(f"only {len(gpus)} are visible", "launcher.gpus_per_job")
        starts = range(0, len(gpus) - gpus_per_job + 1, gpus_per_job)
        places = [",".join(gpus[start : start + gpus_per_job]) for start in starts]
        slots = places * jobs_per_gpu  # in this order, so that one run is on each before any has two
        cores = available_cores()
        self.n_jobs = n_jobs or len(slots) or cores
        # More runs than slots: the GPUs take turns at being shared by one more.
        self._slots = [slots[i % len(slots)] if slots else None for i in range(self.n_jobs)]
        self._threads = threads or max(1, cores // self.n_jobs)
        self.environment = self._variables(self._slots[0])

    def describe(self) -> str:
        """Return where the runs are, in words."""
        gpus = sorted({gpu for slot in self._slots if slot is not None for gpu in slot.split(",")})
        threads = f"{self._threads} CPU thread{'s' * (self._threads > 1)} each"
        where = f"GPU {', '.join(gpus)}" if gpus else threads
        return f"{self.n_jobs} at a time on this machine, {where}"

    def launch(self, lines: Sequence[Sequence[str]]) -> None:
        """Run the jobs until they end."""
        from joblib import Parallel, delayed

        free: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        for slot in self._slots:
            free.put(slot)

        def work(number: int) -> None:
            slot = free.get()
            try:
                self.task.work(number, self._variables(slot))
            finally:
                free.put(slot)

        # Batches of one: joblib would group short jobs, and a slot would wait while another has several to do.
        parallel = Parallel(n_jobs=self.n_jobs, backend="threading", batch_size=1, pre_dispatch=self.n_jobs)
        parallel(delayed(work)(number) for number in range(len(lines)))

    def _variables(self, slot: str | None) -> dict[str, str | None]:
        threads: dict[str, str | None] = {"OMP_NUM_THREADS": str(self._threads)}
        return threads if slot is None else threads | {"CUDA_VISIBLE_DEVICES": slot}


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> list[str]:
    """Return the GPUs that a run could see, by the names that ``CUDA_VISIBLE_DEVICES`` takes, without asking torch for them."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [gpu for gpu in chosen.split(",") if gpu.strip() and gpu.strip() != "-1"]
    try:
        listed: Any = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, _ in enumerate(listed.stdout.splitlines())]
