import os
import re
import signal
from pathlib import Path

import pytest

from support.sweeps import Sweep, is_whole, preempt, read_until, set_time, wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

TRIALS = ("trial=000", "trial=001", "trial=002", "trial=003")
SEARCH = (
    "search=base", "d_optimizer.lr=tag(log,interval(1e-4,1e-2))", "search.workers=2", "callbacks.health.action=report",
    "+callbacks.trouble.what=held",
)  # fmt: skip


def slurm_job(sweep: Sweep, trial: str) -> str:
    """Return the Slurm job of the worker that works on a trial."""
    told = Path(f"/proc/{sweep.record(trial)['pid']}/environ").read_bytes().decode().split("\0")
    variables = dict(entry.split("=", maxsplit=1) for entry in told if "=" in entry)
    return f"{variables['SLURM_ARRAY_JOB_ID']}_{variables['SLURM_ARRAY_TASK_ID']}"


def kill_worker(sweep: Sweep, trial: str) -> None:
    """Kill the worker that works on a trial, and its run."""
    worker = sweep.record(trial)["pid"]
    runs = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
    assert runs
    for process in (worker, *map(int, runs)):
        os.kill(process, signal.SIGKILL)


def is_under_way(sweep: Sweep, *trials: str) -> bool:
    return all(sweep.is_half_way(trial) for trial in trials)


def is_resumed(sweep: Sweep, trial: str) -> bool:
    """Return whether a second attempt at a trial began where the first had been."""
    log = next(sweep.folder.glob(f"jobs/{trial}*.log")).read_text()
    _, _, attempt = log.rpartition(f"resume={sweep.run(trial)}\n")
    # A run that is killed at iteration 100 has a checkpoint of 90; one that is stopped there saves a little later.
    return re.match(r"\s*training: .* (90|10\d)/200 \[00:00<\?", attempt) is not None


def is_restarted(sweep: Sweep, job: str) -> bool:
    return re.search(r"\bRestarts=1\b", sweep.slurm("scontrol", "show", "job", job)) is not None


def test_the_trial_of_a_killed_worker_goes_to_another_and_a_command_has_no_more_workers_than_it_asks_for(make_sweep):
    search = make_sweep(*SEARCH, "search.trials=4")
    first = search.start()
    wait_until(lambda: is_under_way(search, *TRIALS[:2]), first)
    kill_worker(search, TRIALS[0])
    search.let_go(TRIALS[1])
    wait_until(lambda: is_under_way(search, TRIALS[2]), first)
    assert search.statuses(*TRIALS[:2]) == dict.fromkeys(TRIALS[:2], "finished")
    read_until(first, "killed, by Slurm: FAILED")
    first.send_signal(signal.SIGINT)
    printed, _ = first.communicate(timeout=600)
    assert first.returncode == 130, printed
    assert "1 jobs go on in Slurm" in printed

    second = search.start()
    wait_until(lambda: is_under_way(search, TRIALS[3]), second)
    assert len(search.queued()) == 2
    search.let_go(TRIALS[2])
    search.let_go(TRIALS[3])
    printed, _ = second.communicate(timeout=600)
    assert second.returncode == 0, printed
    assert "waiting for 1 jobs" in printed and "submitted: 1 jobs" in printed
    assert "4 of 4 trials: 4 complete" in printed
    assert search.statuses(*TRIALS) == dict.fromkeys(TRIALS, "finished")
    assert search.attempts(*TRIALS) == [2, 1, 1, 1]
    assert is_resumed(search, TRIALS[0])
    assert all(is_whole(search.run(trial)) for trial in TRIALS)

    records = [search.record(trial) for trial in TRIALS]
    third = search.start()
    printed, _ = third.communicate(timeout=600)
    assert third.returncode == 0, printed
    assert "4 of 4 trials: 4 complete" in printed
    assert [search.record(trial) for trial in TRIALS] == records
    assert len(list(search.folder.glob("trial=*"))) == 4


def test_workers_go_back_to_the_queue_and_continue_their_trials_and_a_repeated_command_waits_for_them(make_sweep):
    search = make_sweep(*SEARCH, "launcher.max_num_timeout=1")
    first = search.start("search.trials=2")
    wait_until(lambda: is_under_way(search, *TRIALS[:2]), first)
    slow, preempted = (slurm_job(search, trial) for trial in TRIALS[:2])
    first.kill()
    second = search.start("search.trials=3")
    printed = read_until(second, "waiting for 2 jobs")
    set_time(search, slow, "EndTime=now+90seconds")
    preempt(search, preempted)
    wait_until(lambda: is_restarted(search, slow), second)
    set_time(search, slow, "TimeLimit=10")
    wait_until(lambda: is_under_way(search, TRIALS[2]) and len(search.queued()) == 1, second)
    assert search.statuses(*TRIALS[:2]) == dict.fromkeys(TRIALS[:2], "finished")
    assert search.attempts(*TRIALS[:2]) == [2, 2]
    assert all(is_resumed(search, trial) and is_whole(search.run(trial)) for trial in TRIALS[:2])

    (last,) = search.queued()
    set_time(search, last, "EndTime=now+90seconds")
    printed += second.communicate(timeout=600)[0]
    assert "submitted" not in printed
    assert f"{last}: stopped, its time limit: as often as max_num_timeout allows" in printed
    assert "3 of 3 trials: 2 complete, 1 unfinished" in printed
