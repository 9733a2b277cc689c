"""The real command line: a search that is killed and continued."""

import json
import signal
from pathlib import Path

import pytest

from support.command import ended, start, wait_for
from support.tiny import TINY_RING

optuna = pytest.importorskip("optuna")

pytestmark = pytest.mark.slow
SEARCH = (
    *("-m", "search=adam", *TINY_RING, "trainer.accelerator=cpu", "trainer.max_epochs=null", "callbacks.health.action=report"),
    *("callbacks.samples.times=1", "callbacks.checkpoints.every=5", "callbacks.evaluation.samples=100", "search.trials=2"),
    *("launcher=joblib", "launcher.n_jobs=2", "search.workers=2", "search.pruner=null"),
)


def sweep(folder: Path) -> Path:
    (found,) = (folder / "outputs" / "sweeps").iterdir()
    return found


def test_a_killed_search_continues_in_the_same_directories(tmp_path):
    long = "trainer.max_iterations=400"
    killed = start(tmp_path, *SEARCH, long)
    wait_for(tmp_path, "outputs/sweeps/*/*/checkpoints/last.ckpt", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    begun = sorted(path.name for path in sweep(tmp_path).glob("trial=*"))
    output = ended(tmp_path, *SEARCH, long)
    records = [json.loads(path.read_text()) for path in sorted((sweep(tmp_path) / "jobs").glob("*.json"))]
    assert [record["name"][:9] for record in records] == ["trial=000", "trial=001"]
    assert {record["status"] for record in records} == {"finished"}
    assert set(begun) <= {record["name"] for record in records}
    assert sum(record["attempts"] for record in records) > 2
    for record in records:
        table = (Path(record["directory"]) / "metrics.csv").read_text().splitlines()[1:]
        iterations = [int(row.split(",")[0]) for row in table]
        assert iterations == sorted(set(iterations)) and iterations[-1] == 400
    assert "2 of 2 trials: 2 complete" in output
    assert "ExperimentalWarning" not in output and "[I " not in output
    output = ended(tmp_path, *SEARCH, long)
    assert "begins" not in output and "continues" not in output
