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
        self.folder = folder

    def start(self, *arguments: str) -> subprocess.Popen:
        return start(self.folder, "-m", *SHORT, *arguments)

    def run(self, *arguments: str, status: int = 0) -> str:
        return ended(self.folder, "-m", *SHORT, *arguments, status=status)

    def records(self, sweep: str) -> dict[str, dict]:
        files = (self.folder / "outputs" / "sweeps" / sweep / "jobs").glob("*.json")
        return {record["name"]: record for record in (json.loads(file.read_text()) for file in files)}


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


@pytest.mark.slow
def test_the_same_command_runs_what_is_missing(shell):
    """One run finishes, one fails, one is killed, one is refused: each is told, and treated, as what it is."""
    command = ("seed=0,1,2", "+callbacks.bad._target_=support.bad_callbacks.EndBadly", "+callbacks.bad.seed=1", "name=a")
    first = shell.run(*command, "+callbacks.bad.how=raise", "launcher=joblib", "launcher.n_jobs=2", status=1)
    assert "3 runs in outputs/sweeps/a: 3 to begin" in first
    assert "seed=1: failed, RuntimeError: this run was to fail" in first
    assert "tensorboard --logdir outputs/sweeps/a" in first and "sweep.retry=true" in first
    statuses = {name: record["status"] for name, record in shell.records("a").items()}
    assert statuses == {"seed=0": "finished", "seed=1": "failed", "seed=2": "finished"}
    folder = shell.folder / "outputs/sweeps/a"
    assert "RuntimeError: this run was to fail" in (folder / "jobs" / "seed=1.log").read_text()
    assert "this run was to fail" in (folder / "report.html").read_text()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("seed=*/summary.json")}
    assert len(before) == 2

    again = shell.run(*command, "+callbacks.bad.how=raise", "trainer.accelerator=auto", "+data.root=elsewhere", status=1)
    assert "2 already finished, 1 failed before" in again and "begins" not in again and "continues" not in again
    retried = shell.run(*command, "+callbacks.bad.how=raise", "sweep.retry=true")
    assert "seed=1: continues" in retried and "seed=1: finished" in retried
    assert shell.records("a")["seed=1"]["attempts"] == 2
    assert [row["iteration"] for row in rows(folder / "seed=1")] == [str(i) for i in range(1, 9)]
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())

    # One more value: what is there is recognised by its configuration.
    more = shell.run("seed=2,3", *command[1:], "+callbacks.bad.how=raise")
    assert "2 runs in outputs/sweeps/a: 1 to begin, 1 already finished" in more
    assert sorted(shell.records("a")) == ["seed=0", "seed=1", "seed=2", "seed=3"]


@pytest.mark.slow
def test_a_killed_run_takes_no_other_with_it_and_is_resumed(shell):
    command = (
        "seed=0,1",
        "+callbacks.bad._target_=support.bad_callbacks.EndBadly",
        "+callbacks.bad.seed=0",
        "+callbacks.bad.how=kill",
    )
    first = shell.run(*command, "name=a", status=1)
    assert "seed=0: killed, by SIGKILL" in first and "seed=1: finished" in first
    assert "the same command runs the 1 that is missing" in first
    second = shell.run(*command, "name=a")
    assert "seed=0: continues" in second and "seed=1: begins" not in second
    folder = shell.folder / "outputs/sweeps/a"
    assert [row["iteration"] for row in rows(folder / "seed=0")] == [str(i) for i in range(1, 9)]
    assert {record["attempts"] for record in shell.records("a").values()} == {1, 2}


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


@pytest.mark.slow
def test_a_sweep_finds_configurations_of_the_users_own(shell):
    (shell.folder / "mine" / "loss").mkdir(parents=True)
    (shell.folder / "mine" / "loss" / "ours.yaml").write_text("_target_: ganexp.models.losses.LeastSquares\n")
    ended(shell.folder, "-m", "--config-dir", "mine", *SHORT, "loss=ours,hinge")
    (sweep,) = (shell.folder / "outputs" / "sweeps").iterdir()
    assert re.fullmatch(r"ring-by-loss-[0-9a-f]{6}", sweep.name)
    assert {path.parent.name for path in sweep.glob("*/summary.json")} == {"loss=ours", "loss=hinge"}
