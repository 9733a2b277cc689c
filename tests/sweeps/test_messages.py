from pathlib import Path

import pytest

from ganexp.runs.jobs import Job
from ganexp.runs.records import SweepRecord
from ganexp.sweeps.folder import Before
from ganexp.sweeps.launchers import FILES, Launcher
from ganexp.sweeps.messages import close
from support.made_runs import summary


class Nowhere(Launcher):
    """A launcher that is only asked what it left."""

    def describe(self):
        return "nowhere"

    def launch(self, lines):
        raise AssertionError


def begun(folder: Path, name: str) -> Job:
    """Return a job whose run has come to its end."""
    job = Job(folder, name, ("seed=0",), name)
    job.run.create({"choices": {}}, [])
    job.run.release()
    job.run.write_summary(summary(best=None, health=None))
    job.note(status="finished", exit_status=0)
    return job


def refused(folder: Path, name: str = "seed=1.5") -> Job:
    """Return a job whose run was not begun."""
    job = Job(folder, name, ("seed=1.5",), name)
    job.note(status="refused", reason="should be a whole number")
    job.log.write_text("ganexp: seed=1.5: should be a whole number\n")
    return job


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def describe(folder: Path, command: str) -> None:
    """Leave what a search leaves beside its jobs."""
    (folder / "workers").mkdir(parents=True, exist_ok=True)
    SweepRecord(command=command, swept=[], launcher="basic", began="").write(folder / "sweep.json")
    for name in ("study.journal", "study.lock"):
        (folder / name).touch()


def test_a_command_of_which_nothing_began_leaves_nothing(tmp_path, capsys):
    folder = tmp_path / "outputs" / "sweeps" / "a"
    before = Before.of(folder)
    job = refused(folder)
    describe(folder, "refused")
    close(before, [job], Nowhere())
    assert "seed=1.5  refused              (should be a whole number)" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("known", [begun, refused])
def test_a_command_of_which_nothing_began_leaves_what_others_left(tmp_path, known):
    known(tmp_path, "seed=0")
    describe(tmp_path, "first")
    there = content(tmp_path)
    before = Before.of(tmp_path)
    describe(tmp_path, "second")
    close(before, [refused(tmp_path)], Nowhere())
    assert content(tmp_path) == there


def test_what_was_refused_before_stays_known(tmp_path):
    begun(tmp_path, "seed=0")
    job = refused(tmp_path)
    describe(tmp_path, "first")
    close(Before.of(tmp_path), [job], Nowhere())
    assert job.record.status == "refused"


def test_jobs_that_a_launcher_does_not_take_are_forgotten_and_runs_stay(tmp_path):
    before = Before.of(tmp_path)
    jobs = [begun(tmp_path, "seed=0"), refused(tmp_path)]
    describe(tmp_path, "first")
    before.restore(jobs)
    assert (jobs[0].status, jobs[1].record) == ("finished", None)
    assert (tmp_path / "sweep.json").exists()


@pytest.mark.parametrize("status", ["failed", "killed"])
def test_what_tells_why_no_run_began_stays(tmp_path, status):
    before = Before.of(tmp_path)
    job = refused(tmp_path)
    job.note(status=status)
    close(before, [job], Nowhere())
    assert job.record.status == status and job.log.exists()


@pytest.mark.parametrize("says", [True, False])
def test_what_a_launcher_left_stays_if_it_says_why_no_run_began(tmp_path, says):
    before = Before.of(tmp_path)
    for folder in ("jobs", FILES):
        (tmp_path / folder).mkdir()
    launcher = Nowhere()
    launcher.has_output = lambda: says
    close(before, [], launcher)
    assert (tmp_path / FILES).exists() is says


def test_a_run_that_says_that_it_is_finished_is(tmp_path, capsys):
    job = begun(tmp_path, "seed=0")
    job.note(status="killed", reason="by Slurm: CANCELLED")
    close(Before.of(tmp_path), [job], Nowhere())
    assert "seed=0  finished\n" in capsys.readouterr().out
    assert (job.record.status, job.record.reason) == ("finished", None)
