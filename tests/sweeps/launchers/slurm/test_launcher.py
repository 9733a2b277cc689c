import os
import signal
from pathlib import Path

import pytest

from ganexp.runs.jobs import Job
from ganexp.sweeps.launchers import FILES, states_of
from ganexp.sweeps.launchers.slurm.launcher import Slurm
from ganexp.sweeps.launchers.slurm.work import LAUNCHER
from ganexp.sweeps.supervisor import Launch, Supervisor
from support.made_runs import summary
from support.refused import refused
from support.waiting import jobs


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_what_waits_in_slurm_is_neither_new_nor_unfinished(command, tmp_path):
    command("squeue", "echo 7_0 PENDING; echo 7_1 COMPLETED")
    made = jobs(tmp_path, "waits", "ended", "elsewhere")
    for number, job in enumerate(made[:2]):
        job.note(launcher=LAUNCHER, ticket=f"7_{number}")
    assert states_of(made) == {"waits": "queued", "ended": "new", "elsewhere": "new"}


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
