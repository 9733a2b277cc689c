import os
import pickle
import pkgutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganexp.runs.jobs import Job
from ganexp.sweeps.launchers import FILES, states_of
from ganexp.sweeps.launchers.slurm import queue
from ganexp.sweeps.launchers.slurm.launcher import Slurm
from ganexp.sweeps.launchers.slurm.queue import how_ended, put_back, states, still_queued, warning
from ganexp.sweeps.launchers.slurm.work import LAUNCHER, Work, environment
from ganexp.sweeps.supervisor import Launch, Supervisor, listening
from support.made_runs import summary
from support.refused import refused


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that makes a command of a name and a line of shell; there are no other commands of Slurm's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin")

    def make(name: str, line: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)

    for name in ("squeue", "sacct", "scontrol", "sbatch", "srun"):
        make(name, "exit 1")
    return make


@pytest.fixture(autouse=True)
def _listening() -> Iterator[None]:
    with listening():
        yield


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def jobs(folder: Path, *names: str) -> list[Job]:
    made = [Job(folder, name, (f"seed={i}",), f"{i:016x}") for i, name in enumerate(names)]
    for job in made:
        job.note(status="waiting")
    return made


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


def test_what_waits_in_slurm_is_neither_new_nor_unfinished(command, tmp_path):
    command("squeue", "echo 7_0 PENDING; echo 7_1 COMPLETED")
    made = jobs(tmp_path, "waits", "ended", "elsewhere")
    for number, job in enumerate(made[:2]):
        job.note(launcher=LAUNCHER, ticket=f"7_{number}")
    assert states_of(made) == {"waits": "queued", "ended": "new", "elsewhere": "new"}


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


def launcher(tmp_path: Path, task: Supervisor, **options) -> Slurm:
    made = Slurm(**options)
    made.setup(task, tmp_path)
    made.look, made.ask, made.late = 0.01, 0.0, 0.05
    return made


def test_a_place_without_slurm_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with refused("launcher"):
        Slurm()


def test_a_limit_before_which_nothing_can_be_trained_is_refused(command):
    with refused("launcher.signal_delay_s"):
        Slurm(timeout_min=2)
    Slurm(timeout_min=2, signal_delay_s=60)


def test_what_slurm_refuses_is_told_in_its_words(command, tmp_path, capfd):
    command("sbatch", "echo 'sbatch: error: invalid partition specified: x' >&2; exit 1")
    made = launcher(tmp_path, Supervisor(jobs(tmp_path, "a"), Launch()), partition="x")
    with refused("launcher") as caught:
        made.launch([["seed=0"]])
    assert "invalid partition specified: x" in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir() if path.name != "bin"] == ["jobs"]


def test_an_array_is_submitted_with_the_options(command, tmp_path):
    interrupt()
    command("sbatch", f"cp $1 {tmp_path}/submitted; echo Submitted batch job 7")
    made = launcher(
        tmp_path, Supervisor(jobs(tmp_path, "a", "b"), Launch()), partition="gpu", gpus_per_node=1, gres="shard:1", mem_gb=2,
        timeout_min=30, array_parallelism=1, setup=["module load cuda"], additional_parameters={"nice": 100},
    )  # fmt: skip
    made.launch([["seed=0"], ["seed=1"]])
    lines = set((tmp_path / "submitted").read_text().splitlines())
    options = [
        "partition=gpu",
        "gpus-per-node=1",
        "gres=shard:1",
        "mem=2GB",
        "time=30",
        "array=0-1%1",
        "nice=100",
        "job-name=ganexp",
    ]
    assert {f"#SBATCH --{option}" for option in options} | {"module load cuda", "#SBATCH --signal=USR2@120"} <= lines


def test_jobs_that_vanish_are_noted_and_those_that_ended_well_are_left(command, tmp_path, capfd):
    made = jobs(tmp_path, "well", "vanished")
    command("sbatch", "echo Submitted batch job 7")
    command("squeue", "echo 7_0 COMPLETED; echo 7_1 OUT_OF_MEMORY")
    made[0].note(status="finished")
    launcher(tmp_path, Supervisor(made, Launch())).launch([["seed=0"], ["seed=1"]])
    assert [job.status for job in made] == ["finished", "killed"]
    assert [job.record.ticket for job in made] == ["7_0", "7_1"]
    assert made[1].record.reason.startswith("by Slurm: OUT_OF_MEMORY")
    printed = capfd.readouterr().out
    assert "well: finished" in printed and "vanished: killed, by Slurm: OUT_OF_MEMORY" in printed


def cancel(command, tmp_path: Path, job: Job) -> None:
    """Launch a job that Slurm cancels, so that it returns nothing."""
    command("sbatch", "echo Submitted batch job 7")
    command("squeue", "echo 7 CANCELLED")
    launcher(tmp_path, Supervisor([job], Launch())).launch([["seed=0"]])


@pytest.mark.parametrize(("status", "reason", "code"), [("finished", None, 0), ("diverged", "loss/d is nan", 1)])
def test_a_run_that_was_through_when_slurm_ended_its_job_has_its_own_end(command, tmp_path, status, reason, code):
    (job,) = jobs(tmp_path, "a")
    job.run.create({"choices": {}}, [])
    job.run.release()
    job.run.write_summary(summary(status=status, reason=reason, exit_status=code))
    job.note(status="running")
    cancel(command, tmp_path, job)
    assert (job.record.status, job.record.reason, job.record.exit_status) == (status, reason, code)


@pytest.mark.parametrize(("logged", "where"), [(False, ", see {}/.launcher/7/7_0_log.out"), (True, "")])
def test_where_a_job_that_ended_before_it_had_a_log_says_why_is_told(command, tmp_path, logged, where):
    (job,) = jobs(tmp_path, "a")
    if logged:
        job.log.touch()
    cancel(command, tmp_path, job)
    assert (job.record.status, job.record.reason) == ("killed", f"by Slurm: CANCELLED{where.format(tmp_path)}")


def test_a_command_that_is_asked_to_stop_leaves_its_jobs_in_slurm(command, tmp_path, capfd):
    command("sbatch", "echo Submitted batch job 7")
    command("squeue", "echo 7_0 RUNNING; echo 7_1 PENDING")
    made = jobs(tmp_path, "a", "b")
    interrupt()
    launcher(tmp_path, Supervisor(made, Launch())).launch([["seed=0"], ["seed=1"]])
    assert "2 jobs go on in Slurm" in capfd.readouterr().out
    assert states_of(made) == {"a": "queued", "b": "queued"}


def test_a_job_that_slurm_has_is_waited_for(command, tmp_path, capfd):
    command("sbatch", "echo Submitted batch job 7")
    command("squeue", f"echo >> {tmp_path}/asked; [ $(wc -l < {tmp_path}/asked) = 3 ] && kill -INT $PPID; echo 7 RUNNING")
    launcher(tmp_path, Supervisor(jobs(tmp_path, "a"), Launch())).launch([["seed=0"]])
    assert "1 jobs go on in Slurm" in capfd.readouterr().out
    assert len((tmp_path / "asked").read_text().splitlines()) >= 3


@pytest.mark.parametrize("returned", [True, False])
def test_a_job_that_returned_nothing_leaves_its_output(command, tmp_path, returned):
    for file in ("7/7_submission.sh", "7_0/7_0_0_log.out", *(["7_0/7_0_0_result.pkl"] if returned else [])):
        (tmp_path / FILES / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / FILES / file).touch()
    assert launcher(tmp_path, Supervisor([], Launch())).has_output() is not returned


def test_slurms_commands_have_time_to_answer(command, monkeypatch):
    monkeypatch.setattr(queue, "ANSWER", 0.2)
    command("squeue", "exec sleep 5")
    assert states(["7"]) is None
