import pytest

from ganexp.sweeps.launchers.slurm import queue
from ganexp.sweeps.launchers.slurm.queue import how_ended, put_back, states, still_queued, warning


def test_jobs_that_slurm_has_are_told_from_those_that_ended(command):
    command("squeue", "echo 7_0 RUNNING; echo 7_1 FAILED; echo 7_2 PENDING; echo 7_3 COMPLETING; echo 7_4 REQUEUED")
    assert still_queued(["7_0", "7_1", "7_3", "7_4", "8"]) == {"7_0", "7_3", "7_4"}


@pytest.mark.parametrize("line", ["echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", "exit 127"])
def test_no_job_is_queued_where_slurm_does_not_answer_and_that_is_not_an_end(command, line):
    command("squeue", line)
    assert still_queued(["7"]) == set()
    assert states(["7"]) is None


def test_slurm_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert still_queued(["7"]) == set()


def test_a_job_that_slurm_has_forgotten_has_ended(command):
    command("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert states(["7"]) == {}


def test_slurm_is_not_asked_about_nothing(command):
    command("squeue", "echo 7 RUNNING")
    assert still_queued([]) == set()


@pytest.mark.parametrize(
    ("squeue", "sacct", "word"),
    [
        ("echo 7_1 OUT_OF_MEMORY", "exit 1", "OUT_OF_MEMORY"),
        ("exit 1", "echo CANCELLED by 1000", "CANCELLED"),
        ("echo 7_2 TIMEOUT", "echo NODE_FAIL", "NODE_FAIL"),
        ("exit 1", "exit 1", "forgotten"),
    ],
)
def test_the_end_of_a_job_is_told_in_slurms_word(command, squeue, sacct, word):
    command("squeue", squeue)
    command("sacct", sacct)
    assert how_ended("7_1") == word


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("JobState=RUNNING PreemptEligibleTime=2026-01-01T00:00:00 PreemptTime=None", "its time limit"),
        ("JobState=RUNNING PreemptEligibleTime=2026-01-01T00:00:00 PreemptTime=2026-01-01T00:00:00", "preempted"),
        ("JobState=COMPLETING PreemptTime=None", None),
    ],
)
def test_a_warning_is_told_from_an_end(command, told, why):
    command("scontrol", f"echo JobId=7 {told} TimeLimit=00:10:00")
    assert warning("7") == why


def test_why_a_job_cannot_be_put_back_is_told(command):
    command("scontrol", "echo Requested operation is presently disabled >&2; exit 1")
    assert put_back("7") == "Requested operation is presently disabled"
    command("scontrol", "exit 0")
    assert put_back("7") is None


def test_slurms_commands_have_time_to_answer(command, monkeypatch):
    monkeypatch.setattr(queue, "ANSWER", 0.2)
    command("squeue", "exec sleep 5")
    assert states(["7"]) is None
