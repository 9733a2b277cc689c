"""Sweeps on the real command line: every run is a process of its own, and only what is missing runs."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ganexp.runs.run import Run
from support.command import ended, start, wait_for
from support.curves import rows
from support.tiny import TINY_RING

SHORT = (
    *("trainer.accelerator=cpu", "trainer.max_epochs=null", "trainer.max_iterations=8", "callbacks.samples.times=1"),
    *("callbacks.evaluation.times=1", "callbacks.evaluation.samples=100", "callbacks.scalars.every=1", "~callbacks.health"),
    *("callbacks.checkpoints.every=2", *TINY_RING),
)


class Shell:
    """Runs sweeps in an empty folder, as processes."""

    def __init__(self, folder: Path):
        self.folder, self.flags = folder, ["-m"]

    def start(self, *arguments: str) -> subprocess.Popen:
        return start(self.folder, *self.flags, *SHORT, *arguments)

    def run(self, *arguments: str, status: int = 0) -> str:
        return ended(self.folder, *self.flags, *SHORT, *arguments, status=status)

    def records(self, sweep: str) -> dict[str, dict]:
        files = (self.folder / "outputs" / "sweeps" / sweep / "jobs").glob("*.json")
        return {record["name"]: record for record in (json.loads(file.read_text()) for file in files)}


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


@pytest.mark.slow
def test_the_same_command_runs_what_is_missing(shell):
    """One run finishes, one fails, one is killed: each is reported, and treated, as what it is. The loss is the user's own."""
    (shell.folder / "mine" / "loss").mkdir(parents=True)
    (shell.folder / "mine" / "loss" / "ours.yaml").write_text("_target_: ganexp.models.losses.LeastSquares\n")
    shell.flags += ["--config-dir", "mine"]
    command = (
        *("loss=ours", "seed=0,1,2", "name=a", "launcher=joblib", "launcher.n_jobs=2"),
        *("+callbacks.bad._target_=support.bad_callbacks.EndBadly", "+callbacks.bad.seed=1", "+callbacks.bad.how=raise"),
        *("+callbacks.worse._target_=support.bad_callbacks.EndBadly", "+callbacks.worse.seed=2", "+callbacks.worse.how=kill"),
    )
    first = shell.run(*command, status=1)
    assert "3 runs in outputs/sweeps/a: 3 to begin" in first and "seed=0: finished" in first
    assert "seed=1: failed, RuntimeError: this run was to fail" in first and "seed=2: killed, by SIGKILL" in first
    assert "tensorboard --logdir outputs/sweeps/a" in first and "sweep.retry=true" in first
    assert "the same command runs the 1 that is missing" in first
    statuses = {name: record["status"] for name, record in shell.records("a").items()}
    assert statuses == {"seed=0": "finished", "seed=1": "failed", "seed=2": "killed"}
    folder = shell.folder / "outputs/sweeps/a"
    assert "RuntimeError: this run was to fail" in (folder / "jobs" / "seed=1.log").read_text()
    assert "this run was to fail" in (folder / "report.html").read_text()
    finished = folder / "seed=0" / "summary.json"
    before = finished.stat().st_mtime_ns

    again = shell.run(*command, "trainer.accelerator=auto", status=1)
    assert "1 to continue, 1 already finished, 1 failed before" in again and "begins" not in again
    assert "seed=2: continues" in again and "seed=2: finished" in again
    retried = shell.run(*command, "sweep.retry=true")
    assert "seed=1: continues" in retried and "seed=1: finished" in retried
    assert {name: record["attempts"] for name, record in shell.records("a").items()} == {"seed=0": 1, "seed=1": 2, "seed=2": 2}
    for name in ("seed=0", "seed=1", "seed=2"):
        assert [row["iteration"] for row in rows(folder / name)] == [str(i) for i in range(1, 9)]
    assert finished.stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_sweep_that_is_told_to_stop_saves_and_continues(shell):
    command = ("seed=0,1,2", "trainer.max_iterations=100000", "name=a", "launcher=joblib", "launcher.n_jobs=2")
    process = shell.start(*command)
    wait_for(shell.folder, "outputs/sweeps/a/seed=0/checkpoints/last.ckpt", process)
    wait_for(shell.folder, "outputs/sweeps/a/seed=1/checkpoints/last.ckpt", process)

    # Meanwhile the runs are left alone, by the same command and by resume=.
    elsewhere = shell.run(*command[:3], "sweep.dry_run=true")
    assert "1 to begin, 2 running elsewhere" in elsewhere
    refusal = ended(shell.folder, "resume=outputs/sweeps/a/seed=0", status=2)
    assert refusal.startswith("ganexp: resume=") and "outputs/sweeps/a/seed=0: " in refusal

    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert "the same command runs the 3 that are missing" in output
    records = shell.records("a")
    assert [records[f"seed={i}"]["status"] for i in (0, 1, 2)] == ["stopped", "stopped", "waiting"]
    for seed in (0, 1):
        run = Run(shell.folder / "outputs/sweeps/a" / f"seed={seed}")
        steps = [int(row["iteration"]) for row in rows(run.path)]
        assert run.summary.reason == "by SIGTERM" and steps == list(range(1, run.summary.iteration + 1))


@pytest.mark.slow
def test_runs_stop_when_what_started_them_is_killed(shell):
    process = shell.start("seed=0", "trainer.max_iterations=100000", "name=a")
    wait_for(shell.folder, "outputs/sweeps/a/run/checkpoints/last.ckpt", process)
    process.kill()
    process.communicate(timeout=60)
    run = Run(shell.folder / "outputs/sweeps/a/run")
    deadline = time.monotonic() + 60
    while not run.summary and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.summary.reason == "by SIGTERM"


@pytest.mark.slow
def test_a_dry_run_says_how_long_and_leaves_nothing(shell):
    output = shell.run("seed=0,1", "schedule.d_steps=1,2", "sweep.dry_run=true", "launcher=joblib", "launcher.n_jobs=2")
    assert "4 to begin" in output and "2 at a time on this machine" in output
    assert re.search(r"about .* for 4, 2 at a time \(from seed=0,schedule.d_steps=1: .* s per iteration, 8 iter", output)
    assert list(shell.folder.iterdir()) == []
