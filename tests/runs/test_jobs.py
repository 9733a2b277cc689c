import json

import pytest

from ganexp.runs.jobs import Job, known_jobs
from ganexp.runs.locks import hold
from support import made_runs
from support.refused import refused


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path, "seed=0", ("data=ring", "seed=0", "name='a b'"), "0123456789abcdef")


def begin(job, **summary):
    job.run.create({"choices": {}}, [])
    job.run.release()
    if summary:
        job.run.write_summary(made_runs.summary(**summary))


def test_a_record_remembers_what_is_not_changed(job, tmp_path):
    job.note(status="running", pid=7)
    job.note(status="finished")
    record = json.loads((tmp_path / "jobs" / "seed=0.json").read_text())
    assert (record["status"], record["pid"], record["attempts"], record["reason"]) == ("finished", 7, 0, None)
    assert record["command"] == """python -m ganexp data=ring seed=0 'name='"'"'a b'"'"''"""
    assert known_jobs(tmp_path) == [job]


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"name": "x"}'])
def test_a_damaged_record_is_none(job, tmp_path, damage):
    job.note(status="finished")
    (tmp_path / "jobs" / "seed=0.json").write_text(damage)
    assert job.record is None and job.status is None and known_jobs(tmp_path) == []
    assert job.note(status="failed").status == "failed"


def test_a_record_of_another_format_is_refused_by_its_file(job, tmp_path):
    job.note(status="finished")
    file = tmp_path / "jobs" / "seed=0.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 2'))
    for ask in (lambda: job.record, lambda: known_jobs(tmp_path), lambda: job.state):
        with refused() as caught:
            ask()
        assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "summary, noted, state",
    [
        (None, None, "new"),
        (None, "killed", "new"),
        (None, "refused", "failed"),
        ({}, None, "unfinished"),
        ({}, "killed", "unfinished"),
        ({}, "failed", "failed"),
        ({"exit_status": 0}, "running", "finished"),
        ({"exit_status": 0}, "failed", "finished"),
        ({"exit_status": 1}, "running", "failed"),
        ({"exit_status": 143}, "stopped", "unfinished"),
    ],
)
def test_how_far_a_job_is(job, summary, noted, state):
    if summary is not None:
        begin(job, **summary)
    if noted:
        job.note(status=noted)
    assert job.state == state


def test_a_job_that_somebody_works_on_is_running(job):
    begin(job, exit_status=143)
    with hold(job.lock):
        assert (job.state, job.reached) == ("running", "unfinished")
    with hold(job.run.lock):
        assert job.state == "running"
    assert job.state == "unfinished"
