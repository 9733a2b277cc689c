import os
import pickle
import pkgutil
import signal

import pytest

from ganexp.sweeps.launchers.slurm.launcher import Slurm
from ganexp.sweeps.launchers.slurm.work import Work, environment
from ganexp.sweeps.supervisor import Launch, Supervisor
from support.waiting import jobs


def test_a_run_does_not_take_itself_for_one_of_several_and_has_the_cores_of_its_job():
    present = {
        "SLURM_NTASKS": "1",
        "SLURM_PROCID": "0",
        "SLURM_CPUS_ON_NODE": "8",
        "SLURM_CPUS_PER_TASK": "4",
        "SLURM_TMPDIR": "/x",
    }
    assert environment(present) == {"SLURM_NTASKS": None, "SLURM_PROCID": None, "OMP_NUM_THREADS": "4"}
    assert environment({"SLURM_CPUS_ON_NODE": "8", "OMP_NUM_THREADS": "1"}) == {}
    assert environment({}) == {}


class Told(Supervisor):
    """A task that is told to stop by a signal, and stops."""

    by = signal.SIGTERM

    def work(self, number, environment=None):
        self.jobs[number].note(status="running")
        os.kill(os.getpid(), self.by)
        return self.jobs[number].note(status="stopped", reason="by SIGTERM")


class ToldByUser(Told):
    by = signal.SIGUSR2


@pytest.fixture
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SLURM_JOB_ID": "12", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("task", [Told, ToldByUser])
def test_a_job_that_slurm_warns_goes_back_to_the_queue_and_has_no_result(command, in_a_job, tmp_path, task):
    command("scontrol", f'echo "$@" >> {tmp_path}/asked; echo JobState=RUNNING PreemptTime=2026-01-01T00:00:00')
    (job,) = jobs(tmp_path, "a")
    with pytest.raises(SystemExit):
        Work(task([job], Launch()), 0, most=0)()
    assert (job.record.status, job.record.reason, job.record.ticket) == ("waiting", "preempted", "7_3")
    assert pkgutil.resolve_name(job.record.launcher) is Slurm
    assert (tmp_path / "asked").read_text().splitlines()[-1] == "requeue 7_3"


def test_a_job_that_slurm_ends_does_not_go_back_and_has_no_result(command, in_a_job, tmp_path):
    command("scontrol", f'echo "$@" >> {tmp_path}/asked; echo JobState=COMPLETING PreemptTime=None')
    (job,) = jobs(tmp_path, "a")
    with pytest.raises(SystemExit):
        Work(Told([job], Launch()), 0, most=9)()
    assert job.record.status == "stopped"
    assert "requeue" not in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    ("restarts", "requeue", "reason"),
    [
        ("2", "exit 0", "its time limit: as often as max_num_timeout allows"),
        ("1", "echo No thank you >&2; exit 1", "its time limit: No thank you"),
    ],
)
def test_a_job_that_cannot_go_back_ends_with_the_reason(command, in_a_job, tmp_path, monkeypatch, restarts, requeue, reason):
    command("scontrol", f'[ "$1" = requeue ] && {{ {requeue}; }}; echo JobState=RUNNING PreemptTime=None')
    monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
    (job,) = jobs(tmp_path, "a")
    Work(Told([job], Launch()), 0, most=2)()
    assert (job.record.status, job.record.reason) == ("stopped", reason)


def test_a_job_that_nobody_told_returns_what_its_work_returns(in_a_job, tmp_path):
    (job,) = jobs(tmp_path, "a")

    class Done(Supervisor):
        def work(self, number, environment=None):
            return self.jobs[number].note(status="finished")

    assert Work(Done([job], Launch()), 0, most=2)().status == "finished"


def test_a_job_carries_nothing_of_the_others(tmp_path):
    made = jobs(tmp_path, *(f"run {number}" for number in range(50)))
    work = Work.of(Supervisor(made, Launch()), 7, most=2)
    assert work.job == made[7]
    assert len(pickle.dumps(work)) < 2000
