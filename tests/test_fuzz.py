"""A slice of the odd command lines of scripts/fuzz.py: the same ones each time."""

import os
import subprocess
import sys

import pytest

from ganexp.config.compose import directory

LINES, SEED = 25, 7


@pytest.mark.slow
def test_odd_command_lines_are_answered_well():
    root = directory().parent
    command = [sys.executable, str(root / "scripts" / "fuzz.py"), "--lines", str(LINES), "--seed", str(SEED)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{LINES} lines, seed {SEED}: " in done.stdout
