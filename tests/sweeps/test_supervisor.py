"""What a supervisor makes of a run's end; the runs are shell scripts that end in every way a run can."""

import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from ganexp.runs.jobs import Job
from ganexp.runs.locks import hold
from ganexp.sweeps.supervisor import Launch, Supervisor, listening, note_end, stopped_by, supervise
from support.made_runs import summary

SCRIPT = """#!/bin/sh
end() {
  mkdir -p "$GANEXP_DIRECTORY/.hydra"; echo "{}" > "$GANEXP_DIRECTORY/.hydra/config.yaml"
  sed "s|STATUS|$1|; s|REASON|$2|; s|CODE|$3|" SUMMARY > "$GANEXP_DIRECTORY/summary.json"; exit $3
}
case "$*" in *how=fall-silent*) exit 3 ;; esac
echo "arguments: $*"; echo "threads: $OMP_NUM_THREADS, hidden: ${HIDDEN-removed}"; echo "source: ${GANEXP_SOURCE-unknown}"
case "$*" in
  *resume=*) end finished '' 0 ;;
  *how=finish*) end finished '' 0 ;;
  *how=diverge*) end diverged 'loss/d is nan' 1 ;;
  *how=stop*) end stopped 'by SIGTERM' 143 ;;
  *how=refuse*) echo "a warning" >&2; echo "ganexp: data.size=0: too small" >&2; exit 2 ;;
  *how=fail*) printf 'Traceback (most recent call last):\\n  File "x"\\nValueError: no\\n\\n' >&2; exit 1 ;;
  *how=kill*) kill -9 $$ ;;
  *how=terminate*) kill -15 $$ ;;
  *how=hold*) trap asked=yes TERM; trap 'kill $sleep; trap - INT; kill -INT $$' INT
    sleep 100 & sleep=$!; kill -INT $GANEXP_PARENT; until [ "$asked" ]; do wait $sleep; done
    # Not in the trap: dash can lose a signal that arrives while it is in another's.
    echo asked; kill -INT $GANEXP_PARENT; while :; do wait $sleep; done ;;
esac
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Return a function that makes a job whose run ends in some way."""
    script = tmp_path / "python"
    text = json.dumps(asdict(summary(status="STATUS", reason="REASON", exit_status="CODE")))
    (tmp_path / "summary").write_text(text.replace('"CODE"', "CODE"))
    script.write_text(SCRIPT.replace("SUMMARY", str(tmp_path / "summary")))
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    return lambda how: Job(tmp_path / "sweep", f"how={how}", (f"how={how}", "x='a b'"), "0" * 16)


@pytest.mark.parametrize(
    "how, status, reason, code",
    [
        ("finish", "finished", "", 0),
        ("diverge", "diverged", "loss/d is nan", 1),
        ("stop", "stopped", "by SIGTERM", 143),
        ("refuse", "refused", "data.size=0: too small", 2),
        ("fail", "failed", "ValueError: no", 1),
        ("kill", "killed", "by SIGKILL, as when memory runs out", -9),
        ("terminate", "stopped", "by SIGTERM, before it could save", -15),
    ],
)
def test_however_a_run_ends_its_record_says_it(job, how, status, reason, code):
    record = supervise(job(how), Launch())
    assert (record.status, record.reason, record.exit_status) == (status, reason, code)
    assert record == job(how).record
    assert record.attempts == 1 and record.began <= record.ended
    assert f"arguments: -m ganexp how={how} x='a b'\n" in job(how).log.read_text()


def test_a_second_interrupt_ends_a_run_that_the_first_has_asked_to_save(job):
    with listening():
        record = supervise(job("hold"), Launch())
        assert stopped_by() == signal.SIGINT
        assert supervise(job("finish"), Launch()).attempts == 0
    assert (record.status, record.exit_status) == ("stopped", -signal.SIGINT)
    assert "asked\n" in job("hold").log.read_text() and job("hold").state == "new"


@pytest.mark.parametrize("source, told", [("", "unknown"), ("0123", "0123")])
def test_a_run_is_told_what_its_configuration_was_read_from(job, source, told):
    one = replace(job("finish"), source=source)
    supervise(one, Launch())
    assert f"source: {told}\n" in one.log.read_text()


@pytest.mark.parametrize("noted", ["running", "waiting", "killed", "stopped"])
def test_a_run_that_says_that_it_is_finished_is(job, noted):
    done = job("finish")
    supervise(done, Launch())
    done.note(status=noted, reason="by Slurm: CANCELLED")
    record = note_end(done)
    assert (record.status, record.reason, record.exit_status) == ("finished", "", 0)


def test_a_run_that_fails_without_a_word_has_its_exit_status_for_a_reason(job):
    assert supervise(job("fall-silent"), Launch()).reason == "exit status 3, and nothing printed"


def test_what_is_done_is_not_done_again_and_what_failed_only_when_asked(job):
    for how in ("finish", "fail", "diverge", "refuse"):
        supervise(job(how), Launch())
        assert supervise(job(how), Launch()).attempts == 1
    assert supervise(job("finish"), Launch(retry=True)).attempts == 1
    assert [supervise(job(how), Launch(retry=True)).attempts for how in ("fail", "refuse")] == [2, 2]
    assert job("fail").log.read_text().count("ValueError: no") == 2  # of each attempt


def test_a_run_that_was_begun_is_resumed(job):
    supervise(job("stop"), Launch())
    record = supervise(job("stop"), Launch(flags=("--config-dir", "mine")))
    assert (record.status, record.attempts) == ("finished", 2)
    assert f"arguments: -m ganexp resume={job('stop').run.path}\n" in job("stop").log.read_text()


def test_a_run_that_was_begun_is_resumed_where_its_files_and_its_hardware_are_now(job):
    begun = replace(job("stop"), overrides=("how=stop", "data.root=here", "trainer.devices=1", "loss=hinge"))
    supervise(begun, Launch())
    begun.run.save_config({}, list(begun.overrides))
    moved = replace(begun, overrides=("how=stop", "data.root=there", "+trainer.devices=1", "loss=hinge", "output_dir=x"))
    supervise(moved, Launch())
    assert f"arguments: -m ganexp resume={begun.run.path} ++data.root=there\n" in begun.log.read_text()


def test_a_job_that_somebody_works_on_is_left_alone(job):
    busy = job("finish")
    busy.note(status="running", host="elsewhere")
    with hold(busy.lock):
        record = supervise(busy, Launch())
    assert (record.status, record.host) == ("elsewhere", "elsewhere")
    assert not busy.run.exists and not busy.log.exists()


def test_an_end_that_nobody_noted_is_read_from_the_run(job):
    done = job("finish")
    supervise(done, Launch())
    done.note(status="running", exit_status=None)
    assert supervise(done, Launch()).status == "finished" == done.record.status


def test_a_run_gets_the_flags_and_variables_of_its_launch(job, monkeypatch, capfdbinary):
    monkeypatch.setenv("HIDDEN", "1")
    launch = Launch(flags=("--config-dir", "mine"), environment={"HIDDEN": None}, echo=True)
    Supervisor([job("fail"), job("finish")], launch).work(1, {"OMP_NUM_THREADS": "7"})
    printed = capfdbinary.readouterr().out.decode()
    assert "arguments: -m ganexp --config-dir mine how=finish x='a b'\nthreads: 7, hidden: removed\n" in printed
    assert job("finish").command == job("finish").record.command
    assert job("finish").record.command == """python -m ganexp --config-dir mine how=finish 'x='"'"'a b'"'"''"""
    assert job("fail").record is None


def test_what_a_run_prints_before_anybody_listens_is_printed_too_and_once(job, monkeypatch, capfdbinary):
    class Ended(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.wait()

    monkeypatch.setattr(subprocess, "Popen", Ended)
    for _ in range(2):
        supervise(job("fail"), Launch(echo=True, retry=True))
        assert capfdbinary.readouterr().out.count(b"arguments: ") == 1
