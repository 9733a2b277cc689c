"""Sweeps of tiny runs on the command line, as jobs of a cluster, and what the tests of this folder do to them."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ITERATIONS = 200
TINY = (
    "launcher=slurm", "launcher.cpus_per_task=2", "launcher.mem_gb=2", "launcher.gpus_per_node=1",
    "launcher.timeout_min=10", "trainer.accelerator=cpu", f"trainer.max_iterations={ITERATIONS}",
    "data=ring", "data.size=64", "data.batch_size=16",
    "network.generator.widths=[8]", "network.discriminator.widths=[8]", "callbacks.scalars.every=10",
    "callbacks.samples.times=1", "callbacks.checkpoints.times=20", "callbacks.evaluation.times=2",
    "+callbacks.trouble._target_=support.trouble.Trouble",
)  # fmt: skip


class Sweep:
    """A sweep on the command line. Its runs are known by any part of their names that no other has.

    Arguments:
        cluster: The cluster's folder.
        outputs: Where the sweep's folder is to be.
        arguments: What is swept.
    """

    def __init__(self, cluster: Path, outputs: Path, *arguments: str):
        self.folder = outputs / "sweeps" / "it"
        self.processes: list[subprocess.Popen] = []
        self.command = [sys.executable, "-m", "ganexp", "-m", *TINY, *arguments]
        self.command += [f"output_dir={outputs}", f"name={self.folder.name}"]
        path = os.pathsep.join((str(Path(__file__).parents[1]), str(Path(__file__).parents[2])))
        self.environment = os.environ | {"SLURM_CONF": str(cluster / "slurm.conf"), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def start(self, *more: str) -> subprocess.Popen:
        pipe = subprocess.PIPE
        command = [*self.command, *more]
        process = subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End the commands, and what Slurm still has of them."""
        for process in self.processes:
            process.kill()
            process.communicate()
        self.slurm("scancel", "--name=ganexp")

    def slurm(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def queued(self) -> list[str]:
        """Return the jobs that wait or run in Slurm."""
        return self.slurm("squeue", "--noheader", "--array", "--format=%i", "--name=ganexp").split()

    def record(self, run: str) -> dict:
        return json.loads(next(self.folder.glob(f"jobs/*{run}*.json")).read_text())

    def run(self, run: str) -> Path:
        return next(self.folder.glob(f"*{run}*"), self.folder / "none")

    def knows(self, run: str) -> dict:
        return json.loads((self.run(run) / "half").read_text())

    def statuses(self, *runs: str) -> dict[str, str]:
        return {run: self.record(run)["status"] for run in runs}

    def attempts(self, *runs: str) -> list[int]:
        return [self.record(run)["attempts"] for run in runs]

    def is_half_way(self, run: str) -> bool:
        return (self.run(run) / "half").exists()

    def let_go(self, run: str) -> None:
        """Let a run that waits half way go on."""
        (self.run(run) / "go").touch()


def wait_until(condition: Callable[[], bool], process: subprocess.Popen | None = None, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        assert process is None or process.poll() is None, process.stdout.read()
        time.sleep(0.2)


def read_until(process: subprocess.Popen, text: str) -> str:
    """Return what a command prints until a text is among it."""
    printed = b""
    while text.encode() not in printed:
        new = os.read(process.stdout.fileno(), 4096)  # not the buffered file, which would keep something for itself
        assert new, printed.decode()
        printed += new
    return printed.decode()


def preempt(sweep: Sweep, job: str) -> None:
    """Let a job of higher rank take the node of a job."""
    node = sweep.slurm("squeue", "--noheader", "--format=%N", f"--jobs={job}")
    wish = ("--partition=high", f"--nodelist={node}", "--exclusive", "--output=/dev/null")
    sweep.slurm("sbatch", *wish, "--wrap=sleep 1")


def set_time(sweep: Sweep, job: str, time: str) -> None:
    """Change how long a job may run."""
    sweep.slurm("scontrol", "update", f"JobId={job}", time)


def curves(run: Path) -> list[dict[str, str]]:
    """Return what a run has logged, without what depends on the hour."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if value and "_per_" not in key} for row in rows]


def is_whole(run: Path) -> bool:
    """Return whether the curves of a run have every point, once."""
    iterations = [int(row["iteration"]) for row in curves(run)]
    return iterations == sorted(set(iterations)) and set(range(10, ITERATIONS + 1, 10)) <= set(iterations)
