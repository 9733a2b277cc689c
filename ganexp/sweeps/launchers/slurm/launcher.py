"""Runs as jobs of Slurm, submitted as one array by submitit, an optional dependency that is imported when it is needed.

Contract: a job that Slurm warns, because another one takes its place or because its time is nearly up, saves and goes back to
the queue, where it continues as often as it takes. One that is cancelled saves, if it is given the time, and ends. Whatever
becomes of a job, its record says it, and the others are waited for. A job in the queue needs nobody to wait for it. Workers of
a search that Slurm still has count among those that are asked for, and are waited for like these.
"""

import io
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeInt, PositiveFloat, PositiveInt
from ganexp.runs.files import remove_empty
from ganexp.sweeps.closing import SUBMITTED
from ganexp.sweeps.launchers.slurm.queue import how_ended, is_over, states, still_queued
from ganexp.sweeps.launchers.slurm.work import Work
from ganexp.sweeps.supervisor import Supervisor, Task, asked_to_stop, note_end, now

_TICK = 1.0  # seconds between two looks at what jobs have left behind
_LONGEST = 60.0  # seconds between two questions to Slurm
_LATE = 15.0  # seconds until a file that another node has written is seen here
# Options that submitit has for all kinds of clusters; it wants the others by Slurm's name.
_OF_ALL = ("timeout_min", "name", "cpus_per_task", "gpus_per_node", "mem_gb")


class Slurm(Launcher):
    """Submit runs as an array of Slurm jobs, and wait for them; they do not wait for this process.

    The arguments are those of Hydra's submitit launcher, and mean what they mean to ``sbatch``; None leaves one to the cluster.

    Arguments:
        timeout_min: Time limit in minutes; a run that needs longer continues in the queue.
        max_num_timeout: How often a run may do so.
        signal_delay_s: Seconds before the limit at which a run is told, and saves; Slurm may be up to a minute early.
        array_parallelism: Most jobs at a time.
        name: Name of the jobs in the queue.
        partition, qos, account, constraint, exclude, comment: Where, and on whose account.
        cpus_per_task, cpus_per_gpu: CPU cores, and threads of a run, unless ``OMP_NUM_THREADS`` is set.
        gpus_per_node, gpus_per_task, gres: GPUs, or shares of one, such as ``shard:1``.
        mem_gb, mem_per_gpu, mem_per_cpu: Memory.
        setup: Lines of shell before the run.
        additional_parameters: Any other options of ``sbatch``.

    Raises:
        ConfigError: Slurm or submitit is not here, or there would be no time to train.
    """

    def __init__(
        self,
        timeout_min: PositiveInt = 60,
        max_num_timeout: NonNegativeInt = 100,
        signal_delay_s: PositiveInt = 120,
        array_parallelism: PositiveInt = 256,
        name: str = "ganexp",
        partition: str | None = None,
        qos: str | None = None,
        account: str | None = None,
        constraint: str | None = None,
        exclude: str | None = None,
        comment: str | None = None,
        cpus_per_task: PositiveInt | None = None,
        cpus_per_gpu: PositiveInt | None = None,
        gpus_per_node: PositiveInt | None = None,
        gpus_per_task: PositiveInt | None = None,
        gres: str | None = None,
        mem_gb: PositiveFloat | None = None,
        mem_per_gpu: str | None = None,
        mem_per_cpu: str | None = None,
        setup: Sequence[str] | None = None,
        additional_parameters: Mapping[str, Any] | None = None,
    ) -> None:
        options = {name: value for name, value in locals().items() if name != "self" and value is not None}
        if signal_delay_s >= 60 * timeout_min:
            hint = "it counts from the end of timeout_min"
            raise ConfigError("a run would be told to save before it has begun", "launcher.signal_delay_s", hint=hint)
        if shutil.which("sbatch") is None:
            raise ConfigError("there is no Slurm here: sbatch is not found", "launcher", hint="use a host that can submit")
        try:
            import submitit  # noqa: F401
        except ModuleNotFoundError as error:
            raise ConfigError("submitit is not installed", "launcher", hint="pip install 'ganexp[slurm]'") from error
        self.n_jobs = array_parallelism
        self._most = options.pop("max_num_timeout")
        self._options = options
        self._task: Task
        self._folder: Path

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take the task, and the sweep's folder, in which submitit keeps what it hands over."""
        assert isinstance(task_function, Task)
        self._task, self._folder = task_function, Path(config.hydra.sweep.dir) / SUBMITTED

    def describe(self) -> str:
        """Return where the runs are, in words."""
        where = f" in the partition {self._options['partition']}" if "partition" in self._options else ""
        return f"as jobs of Slurm{where}, at most {self.n_jobs} at a time, for {self._options['timeout_min']} min at a time"

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit the jobs, and wait for them until this process is told to stop."""
        going = self._going()
        count = max(len(job_overrides), len(going))
        work = [Work.of(self._task, initial_job_idx + index, self._most) for index in range(count)]
        new = self._submit(work[len(going) :]) if count > len(going) else []
        submitted = [*going, *new]
        for piece, job in zip(work, submitted, strict=True):
            piece.note(ticket=job.job_id)
        if going:
            print(f"waiting for {len(going)} jobs that go on in Slurm: {', '.join(job.job_id for job in going)}", flush=True)
        if new:
            print(f"submitted: {len(new)} jobs, from {new[0].job_id} on; Ctrl-C leaves them in Slurm", flush=True)
        returned = [JobReturn(overrides=job_overrides[0], status=JobStatus.COMPLETED) for _ in submitted]
        left = dict(enumerate(submitted))
        for index in _follow(submitted):
            _conclude(work[index], left.pop(index), returned[index])
        if left:
            print(f"{len(left)} jobs go on in Slurm; the same command shows them, and continues them if need be", flush=True)
        return returned

    def _going(self) -> list[Any]:
        """Return the workers of an earlier command that Slurm still has; of jobs it had, none are launched."""
        import submitit

        if isinstance(self._task, Supervisor) or not self._folder.is_dir():
            return []
        folders = sorted(filter(Path.is_dir, self._folder.iterdir()))
        former: list[Any] = [submitit.SlurmJob(self._folder / "%j", folder.name) for folder in folders]
        queued = still_queued({job.job_id for job in former if not job.paths.result_pickle.exists()})
        return [job for job in former if job.job_id in queued]

    def _submit(self, work: Sequence[Work]) -> list[Any]:
        import submitit
        from submitit.core.utils import FailedJobError

        executor = submitit.AutoExecutor(folder=self._folder / "%j", cluster="slurm")
        options = {key if key in _OF_ALL else f"slurm_{key}": value for key, value in self._options.items()}
        executor.update_parameters(**options, stderr_to_stdout=True)
        try:
            with redirect_stderr(io.StringIO()), executor.batch():  # it prints what it raises
                return [executor.submit(piece) for piece in work]
        except FailedJobError as error:
            for file in filter(Path.is_file, self._folder.iterdir()):  # what has been submitted has a folder of its own
                file.unlink(missing_ok=True)
            remove_empty(self._folder, levels=1)
            message = next((line for line in str(error).splitlines() if line.startswith("sbatch: error: ")), str(error))
            raise ConfigError(f"Slurm takes no such jobs: {message.removeprefix('sbatch: error: ')}", "launcher") from error


def _follow(submitted: Sequence[Any]) -> Iterator[int]:
    """Yield the index of each job when it has ended, until none is left or this process is told to stop."""
    began = asked = time.monotonic()
    gone: dict[int, float] = {}  # since when Slurm knows them to have ended
    left = set(range(len(submitted)))
    while left and not asked_to_stop():
        time.sleep(_TICK)
        passed = time.monotonic() - began
        if time.monotonic() - asked > (_TICK if gone else min(_LONGEST, 2 + passed / 10)):
            asked = time.monotonic()
            known = states([submitted[index].job_id for index in left])
            if known is not None:
                over = {index for index in left if is_over(known.get(submitted[index].job_id, "COMPLETED"))}
                gone = {index: gone.get(index, asked) for index in over}
        for index in sorted(left):
            late = index in gone and time.monotonic() - gone[index] > _LATE
            if late or submitted[index].paths.result_pickle.exists():
                left.discard(index)
                gone.pop(index, None)
                yield index


def _conclude(work: Work, submitted: Any, returned: JobReturn) -> None:
    """Take what a job that has ended has returned; where it returned nothing, note what became of it, and say so."""
    name, trouble = submitted.job_id, {}
    if submitted.paths.result_pickle.exists():
        try:
            returned.return_value = result = submitted.result()
            if work.job is None and isinstance(result, dict):  # a worker that cannot go on
                trouble = result
        except Exception as error:  # whatever the job raised comes as one of submitit's
            returned.status, returned.return_value = JobStatus.FAILED, error
            trouble = {"status": "failed", "reason": f"not by the run itself: see {submitted.paths.stdout}"}
    else:
        trouble = {"status": "killed", "reason": f"by Slurm: {how_ended(submitted.job_id)}"}
        if not (work.job is not None and work.job.log.exists()):  # it ended before it could begin one
            trouble["reason"] += f", see {submitted.paths.stdout}"
    if work.job is not None:
        if work.job.reached in ("finished", "failed"):  # the run was through, whatever then became of its job
            note_end(work.job)
        elif trouble and work.job.status in ("waiting", "running"):
            work.note(**trouble, ended=now())
        record = work.job.record or work.job.note()
        name, trouble = work.job.name, {"status": record.status, "reason": record.reason}
        returned.status, returned.return_value = JobStatus.COMPLETED, record
    if trouble:
        reason = f", {trouble['reason']}" if trouble["reason"] else ""
        print(f"{datetime.now():%H:%M:%S} {name}: {trouble['status']}{reason}", flush=True)
