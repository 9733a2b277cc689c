import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganexp.sweeps.supervisor import listening


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
