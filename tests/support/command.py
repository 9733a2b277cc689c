"""The real command line, in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ganexp.config.compose import directory

SMALL = (
    *("trainer.accelerator=cpu", "trainer.max_epochs=null", "callbacks.samples.times=1", "callbacks.scalars.every=1"),
    *("callbacks.evaluation.times=1", "callbacks.evaluation.samples=100"),
)


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[1]), str(directory().parent)))}
    command = [sys.executable, "-m", "ganexp", *arguments]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a process begins by ignoring what its parent ignores, as under nohup
    try:
        return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **output)
    finally:
        signal.signal(signal.SIGHUP, ours)


def ended(folder: Path, *arguments: str, status: int = 0) -> str:
    """Run a command line to its end, and return what it printed."""
    process = start(folder, *arguments)
    output = process.communicate(timeout=600)[0]
    assert process.returncode == status, output
    return output


def wait_for(folder: Path, pattern: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
