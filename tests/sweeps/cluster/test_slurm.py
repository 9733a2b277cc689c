import re
import signal
from pathlib import Path

import pytest

from support.sweeps import Sweep, curves, is_whole, preempt, set_time, wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

WHATS = ("long", "preempted", "told", "cancelled", "killed", "raises", "healthy")


def forget_the_signal(sweep: Sweep, cluster: Path) -> None:
    """Let Slurm tell preempted jobs by SIGTERM from now on."""
    file = cluster / "slurm.conf"
    file.write_text(re.sub(r"^SlurmctldParameters=.*\n", "", file.read_text(), flags=re.MULTILINE))
    sweep.slurm("scontrol", "reconfigure")


def test_whatever_becomes_of_a_job_the_others_end_and_the_same_command_runs_what_is_missing(cluster, make_sweep):
    sweep = make_sweep(f"+callbacks.trouble.what={','.join(WHATS)}")
    process = sweep.start()
    wait_until(lambda: sweep.is_half_way("long"), process)
    set_time(sweep, sweep.record("long")["ticket"], "EndTime=now+90seconds")
    wait_until(lambda: sweep.is_half_way("preempted"), process)
    preempt(sweep, sweep.record("preempted")["ticket"])
    wait_until(lambda: sweep.is_half_way("told"), process)
    forget_the_signal(sweep, cluster)
    preempt(sweep, sweep.record("told")["ticket"])
    wait_until(lambda: sweep.is_half_way("cancelled"), process)
    sweep.slurm("scancel", sweep.record("cancelled")["ticket"])
    wait_until(lambda: sweep.record("long")["reason"] == "its time limit", process)
    set_time(sweep, sweep.record("long")["ticket"], "TimeLimit=10")
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 1, printed

    continued = ("long", "preempted", "told")
    assert sweep.statuses("healthy", *continued) == dict.fromkeys(("healthy", *continued), "finished"), printed
    assert sweep.statuses("cancelled", "killed", "raises") == {"cancelled": "stopped", "killed": "killed", "raises": "failed"}
    assert sweep.attempts(*continued, "healthy", "raises") == [2, 2, 2, 1, 1]
    assert "RuntimeError: no luck" in sweep.record("raises")["reason"]
    assert sweep.record("killed")["reason"] == "by Slurm: FAILED"
    assert all(sweep.knows(what) == {"CUDA_VISIBLE_DEVICES": "0", "SLURM_NTASKS": None} for what in continued)
    whole = curves(sweep.run("healthy"))
    assert is_whole(sweep.run("healthy"))
    assert all(curves(sweep.run(what)) == whole for what in continued)
    report = (sweep.folder / "report.html").read_text()
    assert "no luck" in report and "by Slurm: FAILED" in report

    again, _ = sweep.start().communicate(timeout=600)
    assert "2 to continue" in again and "submitted: 2 jobs" in again
    assert sweep.statuses("cancelled", "killed") == {"cancelled": "finished", "killed": "finished"}
    assert sweep.record("raises")["attempts"] == 1
    assert curves(sweep.run("cancelled")) == whole
    assert curves(sweep.run("killed")) == whole

    retried = sweep.start("sweep.retry=true")
    printed, _ = retried.communicate(timeout=600)
    assert retried.returncode == 0, printed
    assert "submitted: 1 jobs" in printed
    assert sweep.record("raises")["status"] == "finished"


def test_a_sweep_that_is_left_goes_on_without_its_command(make_sweep):
    sweep = make_sweep("+callbacks.trouble.what=left,healthy")
    process = sweep.start("launcher.array_parallelism=1", "launcher.gpus_per_node=null", "launcher.gres=shard:1")
    wait_until(lambda: sweep.is_half_way("left"), process)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 130, printed
    assert "2 jobs go on in Slurm" in printed
    again, _ = sweep.start().communicate(timeout=600)
    assert "1 running elsewhere, 1 in the queue" in again
    sweep.let_go("left")
    wait_until(lambda: sweep.record("healthy")["status"] == "finished")
    assert sweep.statuses("left", "healthy") == {"left": "finished", "healthy": "finished"}
    assert sweep.attempts("left", "healthy") == [1, 1]
    assert sweep.knows("left")["CUDA_VISIBLE_DEVICES"] == "0"
