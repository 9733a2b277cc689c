"""What runs in a launcher's process for each job: it starts the run as a process of its own, and survives it.

Contract: whatever becomes of the run, it is in the job's record and log, and nothing is raised. A job that another process
works on is left alone. When this process is asked to stop, the run is, once: it saves, so that the same command continues it.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from hydra.core.hydra_config import HydraConfig

from ganexp.config.classes import TRUST, Trust
from ganexp.config.compose import assigned
from ganexp.config.keys import Purpose, purpose
from ganexp.config.refusals import PREFIX
from ganexp.runs.jobs import Job
from ganexp.runs.locks import Held, hold, is_held
from ganexp.runs.records import JobRecord
from ganexp.runs.run import SUMMARY
from ganexp.training.job import DIRECTORY, PARENT, SOURCE

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2)
_TICK = 0.2  # seconds between two looks at whether to stop
_TAIL = 20_000  # bytes of the log in which a reason is looked for

_asked: list[int] = []
"""The signals by which this process was asked to stop."""


@dataclass(frozen=True)
class Launch:
    """How the jobs of one command are started.

    Attributes:
        flags: Arguments before the overrides, such as ``--config-dir``.
        environment: What differs from this process's environment; None removes a variable.
        echo: Whether this process prints what the run prints.
        retry: Whether what failed before is tried again.
    """

    flags: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    echo: bool = False
    retry: bool = False

    def within(self, environment: Mapping[str, str | None] | None) -> "Launch":
        """Return the same with more variables."""
        return replace(self, environment={**self.environment, **(environment or {})})


class Task(ABC):
    """What launchers call: the work of Hydra's present job number. It can be pickled, as some of them do.

    Attributes:
        launch: How runs are started.
    """

    launch: Launch

    def __call__(self, cfg: Any) -> Any:
        """Do the work of the present number."""
        return self.work(HydraConfig.get().job.num)

    @abstractmethod
    def work(self, number: int, environment: Mapping[str, str | None] | None = None) -> Any:
        """Do the work of a number.

        Arguments:
            number: The place of the work in the launch.
            environment: More variables of the runs' environment, which depend on where they are.
        """


@dataclass
class Supervisor(Task):
    """The task of a sweep: each number is a job, which is run until it ends.

    Attributes:
        jobs: The jobs.
    """

    jobs: Sequence[Job]
    launch: Launch

    def work(self, number: int, environment: Mapping[str, str | None] | None = None) -> JobRecord:
        """Return the record of a job, which is run until it ends."""
        return supervise(self.jobs[number], self.launch.within(environment))


def supervise(job: Job, launch: Launch) -> JobRecord:
    """Run a job to its end in a process of its own; return its record, with the status `elsewhere` if it is left alone."""
    if asked_to_stop():
        return job.record or job.note()
    try:
        job.lock.parent.mkdir(parents=True, exist_ok=True)
        with hold(job.lock), listening():
            if is_held(job.run.lock):
                raise Held
            if job.reached == "finished" or (job.reached == "failed" and not launch.retry):
                return note_end(job)
            return _run(job, launch)
    except Held:
        return replace(job.record or job.note(), status="elsewhere")


def note_end(job: Job) -> JobRecord:
    """Return the record of a job that has ended; if nobody was left to note its end, the run's summary says it."""
    record, summary = job.record or job.note(), job.run.summary
    unknown = record.status in ("waiting", "running")
    if summary and (unknown or (job.reached == "finished" and record.status != "finished")):
        return job.note(status=summary.status, reason=summary.reason, exit_status=summary.exit_status)
    return record


def asked_to_stop() -> bool:
    """Return whether this process was asked to stop: no further job is to be begun."""
    return bool(_asked)


@contextmanager
def listening() -> Iterator[None]:
    """Take SIGINT, SIGTERM, SIGHUP and SIGUSR2 for a request to stop; in a thread, the main one does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if signal.getsignal(signal.SIGINT) is not _ask:  # not within another one
        _asked.clear()
    before = {number: signal.signal(number, _ask) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def forget() -> None:
    """Forget the requests to stop that an earlier command of this process got."""
    _asked.clear()


def stopped_by() -> int | None:
    """Return the signal by which this process was asked to stop."""
    return _asked[-1] if _asked else None


def _ask(number: int, frame: Any) -> None:
    if number == signal.SIGINT or not _asked:  # only Ctrl-C insists: a cluster may send the same request several times
        _asked.append(number)


def _run(job: Job, launch: Launch) -> JobRecord:
    """Start the run, wait for its end, and note what became of it."""
    began, attempts = time.time(), job.record.attempts if job.record else 0
    record = job.note(
        status="running", reason=None, exit_status=None, attempts=attempts + 1, host=socket.gethostname(), pid=os.getpid(),
        began=now(), ended=None, flags=list(launch.flags),
    )  # fmt: skip
    arguments = [f"resume={job.run.path}", *_moved(job)] if job.run.exists else [*launch.flags, *job.overrides]
    say(job.name, "continues" if job.run.exists else "begins")
    with job.log.open("ab", buffering=0) as log:
        log.write(f"--- {record.began} {record.host}: {' '.join(arguments)}\n".encode())
        here = log.tell()
        # The run writes the log by itself: what it prints when this process has died must not fail.
        child = start(arguments, job.run.path, launch.within({SOURCE: job.source or None}), log)
    _attend(child, job, here if launch.echo else None)
    with job.log.open("rb") as log:
        log.seek(max(here, job.log.stat().st_size - _TAIL))
        printed = log.read().decode(errors="replace")
    status, reason = _outcome(job, child.returncode, began, printed)
    record = job.note(status=status, reason=reason, exit_status=child.returncode, ended=now())
    say(job.name, status, reason)
    return record


def _moved(job: Job) -> list[str]:
    """Return overrides for a run that continues with its files or its hardware elsewhere."""
    before, now_given = assigned(job.run.overrides), assigned(job.overrides)
    moved = [key for key in now_given if "." in key and purpose(key) in (Purpose.FILES, Purpose.HARDWARE)]
    return [f"++{key}={now_given[key]}" for key in moved if before.get(key) != now_given[key]]


def _attend(child: subprocess.Popen[bytes], job: Job, echo: int | None) -> None:
    """Wait until the run ends; pass on each request to stop, and print its log from a place on, unless that is None."""
    sent = 0
    with job.log.open("rb") as log:
        log.seek(echo or 0)
        while True:
            ended = child.poll() is not None
            if echo is not None and (text := log.read()):
                sys.stdout.buffer.write(text)
                sys.stdout.flush()
            if ended:
                return
            sent = pass_on(child, sent)
            with suppress(subprocess.TimeoutExpired):
                child.wait(_TICK)


def pass_on(child: subprocess.Popen[bytes], sent: int) -> int:
    """Pass requests to stop on to a process that got some; return how many it has got then."""
    for number in range(sent, len(_asked)):
        child.send_signal(signal.SIGINT if number else signal.SIGTERM)
    return max(sent, len(_asked))


def start(arguments: Sequence[str], directory: Path, launch: Launch, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a run in a directory as a process of its own, which stops when this one ends.

    It never gets SIGUSR2: a queue may send that to all of a job, and it ends processes that do not expect it.
    """
    # A sweep trusts its own runs, which its command has begun.
    own = {DIRECTORY: str(directory), PARENT: str(os.getpid()), TRUST: Trust(everything=True).text}
    environment = os.environ | own | dict(launch.environment)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "ganexp", *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, env={key: value for key, value in environment.items() if value is not None},
        )  # fmt: skip
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _outcome(job: Job, code: int, began: float, printed: str) -> tuple[str, str | None]:
    """Return the status and the reason of a run that has ended."""
    lines = [line.strip() for line in printed.replace("\r", "\n").splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit status {code}, and nothing printed"
    try:
        summary = job.run.summary if (job.run.path / SUMMARY).stat().st_mtime >= began - 1 else None
    except OSError:
        summary = None
    if code < 0 and not (summary and summary.exit_status == 0):  # a signal in its last moment leaves a run finished
        name = signal.Signals(-code).name
        if -code in _SIGNALS:
            return "stopped", f"by {name}, before it could save"
        return "killed", f"by {name}" + (", as when memory runs out" if code == -signal.SIGKILL else "")
    if code == 2:
        message = next((line for line in reversed(lines) if line.startswith(PREFIX)), last)
        return "refused", message.removeprefix(PREFIX)
    if summary and (summary.exit_status == code or code < 0):
        return summary.status, summary.reason
    return "failed", last


def say(name: str, what: str, reason: str | None = None) -> None:
    """Print what happens to a job."""
    print(f"{datetime.now():%H:%M:%S} {name}: {what}{f', {reason}' if reason else ''}", flush=True)


def now() -> str:
    """Return the time as records have it: ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
