"""Runs as jobs of Slurm, submitted as one array by submitit, an optional dependency that is imported when it is needed.

Contract: a job that Slurm warns, because another one takes its place or because its time is nearly up, saves and goes back to
the queue, where it continues as often as it takes. One that is cancelled saves, if it is given the time, and ends. Whatever
becomes of a job, its record says it, and the others are waited for. A job in the queue needs nobody to wait for it. Workers of
a search that Slurm still has count among those that are asked for, and are waited for like these.
"""

import io
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeInt, PositiveFloat, PositiveInt
from ganexp.runs.files import remove_empty
from ganexp.sweeps.launchers import FILES, Launcher
from ganexp.sweeps.launchers.slurm.queue import how_ended, is_over, states, still_queued
from ganexp.sweeps.launchers.slurm.work import LAUNCHER, Stopped, Work
from ganexp.sweeps.supervisor import Supervisor, asked_to_stop, note_end, now, say

# Options that submitit has for all kinds of clusters; it wants the others by Slurm's name.
_OF_ALL = ("timeout_min", "name", "cpus_per_task", "gpus_per_node", "mem_gb")


class Slurm(Launcher):
    """Submit runs as an array of Slurm jobs, and wait for them; they do not wait for this process.

    The arguments are those of Hydra's submitit launcher, and mean what they mean to ``sbatch``; None leaves one to the cluster.

    Arguments:
        timeout_min: Time limit in minutes; a run that needs longer continues in the queue.
        max_num_timeout: How often a run may do so.
        signal_delay_s: Seconds before the limit at which a run is asked to save; Slurm may be up to a minute early.
        array_parallelism: Most jobs at a time.
        name: Name of the jobs in the queue.
        partition, qos, account, constraint, exclude, comment: Where, and on whose account.
        cpus_per_task, cpus_per_gpu: CPU cores, and threads of a run, unless ``OMP_NUM_THREADS`` is set.
        gpus_per_node, gpus_per_task, gres: GPUs, or shares of one, such as ``shard:1``.
        mem_gb, mem_per_gpu, mem_per_cpu: Memory.
        setup: Lines of shell before the run.
        additional_parameters: Any other options of ``sbatch``.

    Attributes:
        look: Seconds between two looks at what jobs have left behind.
        ask: Longest time in seconds between two questions to Slurm.
        late: Seconds until a file that another node has written is seen here.

    Raises:
        ConfigError: Slurm or submitit is not available, or there would be no time to train.
    """

    look, ask, late = 1.0, 60.0, 15.0

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
            raise ConfigError("leaves no time to train before a run is asked to save", "launcher.signal_delay_s", hint=hint)
        if shutil.which("sbatch") is None:
            raise ConfigError("Slurm is not available here: sbatch is not found", "launcher", hint="use a host that can submit")
        try:
            import submitit  # noqa: F401
        except ModuleNotFoundError as error:
            raise ConfigError("submitit is not installed", "launcher", hint="pip install 'ganexp[slurm]'") from error
        self.n_jobs = array_parallelism
        self._most = options.pop("max_num_timeout")
        self._options = options

    def describe(self) -> str:
        """Return where the runs are, in words."""
        where = f" in the partition {self._options['partition']}" if "partition" in self._options else ""
        return f"as jobs of Slurm{where}, at most {self.n_jobs} at a time, for {self._options['timeout_min']} min at a time"

    @classmethod
    def pending(cls, tickets: Collection[str]) -> set[str]:
        """Return which jobs wait, run or end in Slurm; none if it does not answer."""
        return still_queued(tickets)

    def has_output(self) -> bool:
        """Return whether a job returned nothing: then it has said why in its output, if anywhere."""
        outputs = self._files.glob("*/*_log.out")
        return any(not any(output.parent.glob("*_result.pkl")) for output in outputs)

    def launch(self, lines: Sequence[Sequence[str]]) -> None:
        """Submit the jobs, and wait for them until this process is asked to stop."""
        going = self._going()
        work = [Work.of(self.task, number, self._most) for number in range(max(len(lines), len(going)))]
        new = self._submit(work[len(going) :]) if len(work) > len(going) else []
        submitted = [*going, *new]
        for piece, job in zip(work, submitted, strict=True):
            piece.note(launcher=LAUNCHER, ticket=job.job_id)
        if going:
            print(f"waiting for {len(going)} jobs that go on in Slurm: {', '.join(job.job_id for job in going)}", flush=True)
        if new:
            print(f"submitted: {len(new)} jobs, from {new[0].job_id} on; Ctrl-C leaves them in Slurm", flush=True)
        left = dict(enumerate(submitted))
        for index in self._follow(submitted):
            _conclude(work[index], left.pop(index))
        if left:
            print(f"{len(left)} jobs go on in Slurm; the same command shows them, and continues them if need be", flush=True)

    @property
    def _files(self) -> Path:
        """Where submitit finds the work of jobs, and leaves their output and results."""
        return self.folder / FILES

    def _going(self) -> list[Any]:
        """Return the workers of an earlier command that Slurm still has; of jobs it had, none are launched."""
        import submitit

        if isinstance(self.task, Supervisor) or not self._files.is_dir():
            return []
        folders = sorted(filter(Path.is_dir, self._files.iterdir()))
        former: list[Any] = [submitit.SlurmJob(self._files / "%j", folder.name) for folder in folders]
        queued = still_queued({job.job_id for job in former if not job.paths.result_pickle.exists()})
        return [job for job in former if job.job_id in queued]

    def _submit(self, work: Sequence[Work]) -> list[Any]:
        import submitit
        from submitit.core.utils import FailedJobError

        executor = submitit.AutoExecutor(folder=self._files / "%j", cluster="slurm")
        options = {key if key in _OF_ALL else f"slurm_{key}": value for key, value in self._options.items()}
        executor.update_parameters(**options, stderr_to_stdout=True)
        try:
            with redirect_stderr(io.StringIO()), executor.batch():  # it prints what it raises
                return [executor.submit(piece) for piece in work]
        except FailedJobError as error:
            for file in filter(Path.is_file, self._files.iterdir()):  # what has been submitted has a folder of its own
                file.unlink(missing_ok=True)
            remove_empty(self._files, levels=1)
            message = next((line for line in str(error).splitlines() if line.startswith("sbatch: error: ")), str(error))
            raise ConfigError(f"Slurm takes no such jobs: {message.removeprefix('sbatch: error: ')}", "launcher") from error

    def _follow(self, submitted: Sequence[Any]) -> Iterator[int]:
        """Yield the index of each job when it has ended, until none is left or this process is asked to stop."""
        began = asked = time.monotonic()
        gone: dict[int, float] = {}  # since when Slurm knows them to have ended
        left = set(range(len(submitted)))
        while left and not asked_to_stop():
            time.sleep(self.look)
            passed = time.monotonic() - began
            if time.monotonic() - asked > (self.look if gone else min(self.ask, 2 + passed / 10)):
                asked = time.monotonic()
                known = states([submitted[index].job_id for index in left])
                if known is not None:
                    over = {index for index in left if is_over(known.get(submitted[index].job_id, "COMPLETED"))}
                    gone = {index: gone.get(index, asked) for index in over}
            for index in sorted(left):
                late = index in gone and time.monotonic() - gone[index] > self.late
                if late or submitted[index].paths.result_pickle.exists():
                    left.discard(index)
                    gone.pop(index, None)
                    yield index


def _conclude(work: Work, submitted: Any) -> None:
    """Take what a job that has ended has returned; where it returned nothing, note what became of it, and say so."""
    job, name = work.job, submitted.job_id
    status, reason = "", ""
    if submitted.paths.result_pickle.exists():
        try:
            if isinstance(result := submitted.result(), Stopped):  # a worker that cannot go on
                status, reason = "stopped", result.reason
        except Exception:  # whatever the job raised comes as one of submitit's
            status, reason = "failed", f"not by the run itself: see {submitted.paths.stdout}"
    else:
        status, reason = "killed", f"by Slurm: {how_ended(submitted.job_id)}"
        if not (job is not None and job.log.exists()):  # it ended before it could begin one
            reason += f", see {submitted.paths.stdout}"
    if job is not None:
        if job.reached in ("finished", "failed"):  # the run ended by itself, whatever then became of its job
            note_end(job)
        elif status and job.status in ("waiting", "running"):
            work.note(status=status, reason=reason, ended=now())
        record = job.record or job.note()
        name, status, reason = job.name, record.status, record.reason or ""
    if status:
        say(name, status, reason)
