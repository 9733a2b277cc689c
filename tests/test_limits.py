"""Running out of something while a run trains: one message, status 1, what was saved is whole, and the run goes on."""

import resource
from contextlib import contextmanager

import pytest

from ganexp.__main__ import main
from ganexp.runs.checkpoint import last_good
from ganexp.runs.run import Run
from support.command import SMALL
from support.curves import rows
from support.program import Program
from support.tiny import TINY_RING


@contextmanager
def files_of(size: int):
    """Let no file of this process grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


LATE = 130_000
"""Bytes that are enough for checkpoints, and for a while for the curves."""


@pytest.mark.parametrize("size", [1_000, 12_000, LATE])  # not even the configuration; pictures
def test_a_limit_on_files(monkeypatch, tmp_path, capsys, size):
    monkeypatch.chdir(tmp_path)
    ganexp = Program(main, monkeypatch, capsys)
    with files_of(size):
        status = 2 if size == 1_000 else 1
        _, said = ganexp(*SMALL, *TINY_RING, "trainer.max_iterations=120", "callbacks.checkpoints.every=20", status=status)
    assert "Traceback" not in said
    runs = [path.parent for path in tmp_path.glob("outputs/*/*/.hydra")]
    assert bool(runs) == (status == 1)
    if runs:
        assert f"resume={runs[0]}" in said.splitlines()[-1]
        assert all(path.name == ".lock" or not path.name.startswith(".ganexp") for path in runs[0].rglob("*"))
        saved = last_good(Run(runs[0]))
        assert (saved is not None) == (size == LATE)
        monkeypatch.setattr("sys.argv", ["ganexp", f"resume={runs[0]}"])
        main()
        assert [int(row["iteration"]) for row in rows(runs[0])] == list(range(1, 121))
