"""The real command line: a search that is killed and continued."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganexp.config.compose import directory
from support.tiny import TINY_RING

optuna = pytest.importorskip("optuna")

pytestmark = pytest.mark.slow
SEARCH = (
    *("-m", "search=adam", *TINY_RING, "trainer.accelerator=cpu", "trainer.max_epochs=null", "callbacks.health.action=report"),
    *("callbacks.samples.times=1", "callbacks.checkpoints.every=5", "callbacks.evaluation.samples=100", "search.trials=3"),
    *("launcher=joblib", "launcher.n_jobs=2", "search.workers=2", "search.pruner=null"),
)


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(directory().parent), "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-m", "ganexp", *SEARCH, *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def sweep(folder: Path) -> Path:
    (found,) = (folder / "outputs" / "sweeps").iterdir()
    return found


def test_a_killed_search_continues_in_the_same_directories(tmp_path):
    long = "trainer.max_iterations=400"
    killed = start(tmp_path, long)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("outputs/sweeps/*/*/checkpoints/last.ckpt")):
        assert killed.poll() is None and time.monotonic() < deadline, killed.communicate()[0]
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    begun = sorted(path.name for path in sweep(tmp_path).glob("trial=*"))
    again = start(tmp_path, long)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    records = [json.loads(path.read_text()) for path in sorted((sweep(tmp_path) / "jobs").glob("*.json"))]
    assert [record["name"][:9] for record in records] == ["trial=000", "trial=001", "trial=002"]
    assert {record["status"] for record in records} == {"finished"}
    assert set(begun) <= {record["name"] for record in records}
    assert sum(record["attempts"] for record in records) > 3
    for record in records:
        table = (Path(record["directory"]) / "metrics.csv").read_text().splitlines()[1:]
        iterations = [int(row.split(",")[0]) for row in table]
        assert iterations == sorted(set(iterations)) and iterations[-1] == 400
    assert "3 of 3 trials: 3 complete" in output
    assert "ExperimentalWarning" not in output and "[I " not in output
    done = start(tmp_path, long)
    output, _ = done.communicate(timeout=300)
    assert done.returncode == 0 and "begins" not in output and "continues" not in output
