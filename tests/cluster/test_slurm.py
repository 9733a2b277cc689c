import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

ITERATIONS = 200
TINY = (
    "launcher=submitit_slurm", "launcher.cpus_per_task=2", "launcher.mem_gb=2", "launcher.gpus_per_node=1",
    "launcher.timeout_min=10", "trainer.accelerator=cpu", f"trainer.max_iterations={ITERATIONS}",
    "data=ring", "data.size=64", "data.batch_size=16",
    "network.generator.widths=[8]", "network.discriminator.widths=[8]", "callbacks.scalars.every=10",
    "callbacks.samples.times=1", "callbacks.checkpoints.times=20", "callbacks.evaluation.times=2",
    "+callbacks.trouble._target_=trouble.Trouble",
)  # fmt: skip
WHATS = ("long", "preempted", "told", "cancelled", "killed", "raises", "healthy")


class Sweep:
    """A sweep on the command line, whose runs differ in nothing but what happens to them.

    Arguments:
        cluster: The cluster's folder.
        outputs: Where the sweep's folder is to be.
        whats: What happens to the runs.
    """

    def __init__(self, cluster: Path, outputs: Path, *whats: str):
        self.folder = outputs / "sweeps" / "it"
        self.processes: list[subprocess.Popen] = []
        self.command = [sys.executable, "-m", "ganexp", "-m", *TINY, f"+callbacks.trouble.what={','.join(whats)}"]
        self.command += [f"output_dir={outputs}", f"name={self.folder.name}"]
        path = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[2])))
        self.environment = os.environ | {"SLURM_CONF": str(cluster / "slurm.conf"), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def start(self, *more: str) -> subprocess.Popen:
        pipe = subprocess.PIPE
        command = [*self.command, *more]
        process = subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()

    def slurm(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def record(self, what: str) -> dict:
        return json.loads((self.folder / "jobs" / f"callbacks.trouble.what={what}.json").read_text())

    def run(self, what: str) -> Path:
        return self.folder / f"callbacks.trouble.what={what}"

    def knows(self, what: str) -> dict:
        return json.loads((self.run(what) / "half").read_text())

    def statuses(self, *whats: str) -> dict[str, str]:
        return {what: self.record(what)["status"] for what in whats}

    def is_half_way(self, what: str) -> bool:
        return (self.run(what) / "half").exists()


@pytest.fixture
def make_sweep(cluster: Path, tmp_path: Path) -> Iterator[Callable[..., Sweep]]:
    with ExitStack() as stack:
        yield lambda *whats: stack.enter_context(closing(Sweep(cluster, tmp_path, *whats)))


def wait_until(condition: Callable[[], bool], process: subprocess.Popen | None = None, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        assert process is None or process.poll() is None, process.stdout.read()
        time.sleep(0.2)


def preempt(sweep: Sweep, what: str) -> None:
    """Let a job of higher rank take the node of a run."""
    node = sweep.slurm("squeue", "--noheader", "--format=%N", f"--jobs={sweep.record(what)['slurm']}")
    wish = ("--partition=high", f"--nodelist={node}", "--exclusive", "--output=/dev/null")
    sweep.slurm("sbatch", *wish, "--wrap=sleep 1")


def forget_the_signal(sweep: Sweep, cluster: Path) -> None:
    """Let Slurm tell preempted jobs by SIGTERM from now on."""
    file = cluster / "slurm.conf"
    file.write_text(re.sub(r"^SlurmctldParameters=.*\n", "", file.read_text(), flags=re.MULTILINE))
    sweep.slurm("scontrol", "reconfigure")


def set_time(sweep: Sweep, what: str, time: str) -> None:
    """Change how long a job may run."""
    sweep.slurm("scontrol", "update", f"JobId={sweep.record(what)['slurm']}", time)


def curves(run: Path) -> list[dict[str, str]]:
    """Return what a run has logged, without what depends on the hour."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if value and "_per_" not in key} for row in rows]


def test_whatever_becomes_of_a_job_the_others_end_and_the_same_command_runs_what_is_missing(cluster, make_sweep):
    sweep = make_sweep(*WHATS)
    process = sweep.start()
    wait_until(lambda: sweep.is_half_way("long"), process)
    set_time(sweep, "long", "EndTime=now+90seconds")
    wait_until(lambda: sweep.is_half_way("preempted"), process)
    preempt(sweep, "preempted")
    wait_until(lambda: sweep.is_half_way("told"), process)
    forget_the_signal(sweep, cluster)
    preempt(sweep, "told")
    wait_until(lambda: sweep.is_half_way("cancelled"), process)
    sweep.slurm("scancel", sweep.record("cancelled")["slurm"])
    wait_until(lambda: sweep.record("long")["reason"] == "its time limit", process)
    set_time(sweep, "long", "TimeLimit=10")
    printed, _ = process.communicate(timeout=180)
    assert process.returncode == 1, printed

    continued = ("long", "preempted", "told")
    assert sweep.statuses("healthy", *continued) == dict.fromkeys(("healthy", *continued), "finished"), printed
    assert sweep.statuses("cancelled", "killed", "raises") == {"cancelled": "stopped", "killed": "killed", "raises": "failed"}
    assert [sweep.record(what)["attempts"] for what in (*continued, "healthy", "raises")] == [2, 2, 2, 1, 1]
    assert "RuntimeError: no luck" in sweep.record("raises")["reason"]
    assert sweep.record("killed")["reason"] == "by Slurm: FAILED"
    assert all(sweep.knows(what) == {"CUDA_VISIBLE_DEVICES": "0", "SLURM_NTASKS": None} for what in continued)
    whole = curves(sweep.run("healthy"))
    iterations = [int(row["iteration"]) for row in whole]
    assert iterations == sorted(set(iterations)) and set(range(10, ITERATIONS + 1, 10)) <= set(iterations)
    assert all(curves(sweep.run(what)) == whole for what in continued)
    report = (sweep.folder / "report.html").read_text()
    assert "no luck" in report and "by Slurm: FAILED" in report

    again, _ = sweep.start().communicate(timeout=120)
    assert "2 to continue" in again and "submitted: 2 jobs" in again
    assert sweep.statuses("cancelled", "killed") == {"cancelled": "finished", "killed": "finished"}
    assert sweep.record("raises")["attempts"] == 1
    assert curves(sweep.run("cancelled")) == whole
    assert curves(sweep.run("killed")) == whole

    retried = sweep.start("sweep.retry=true")
    printed, _ = retried.communicate(timeout=120)
    assert retried.returncode == 0, printed
    assert "submitted: 1 jobs" in printed
    assert sweep.record("raises")["status"] == "finished"


def test_a_sweep_that_is_left_goes_on_without_its_command(make_sweep):
    sweep = make_sweep("left", "healthy")
    process = sweep.start("launcher.array_parallelism=1", "launcher.gpus_per_node=null", "launcher.gres=shard:1")
    wait_until(lambda: sweep.is_half_way("left"), process)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "2 jobs go on in Slurm" in printed
    again, _ = sweep.start().communicate(timeout=60)
    assert "1 being worked on elsewhere, left alone, 1 in Slurm's queue, left alone" in again
    (sweep.run("left") / "go").touch()
    wait_until(lambda: sweep.record("healthy")["status"] == "finished")
    assert sweep.statuses("left", "healthy") == {"left": "finished", "healthy": "finished"}
    assert [sweep.record(what)["attempts"] for what in ("left", "healthy")] == [1, 1]
    assert sweep.knows("left")["CUDA_VISIBLE_DEVICES"] == "0"
