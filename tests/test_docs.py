"""The pages in docs/ tell the truth: the files they show, and the commands on them, work as they stand."""

import re
import sys
from pathlib import Path

import pytest

from ganexp.__main__ import main

LOGGERS = Path(__file__).parent.parent / "docs/loggers.md"
FEW = (
    "trainer.max_iterations=2",
    "callbacks.samples.times=1",
    "callbacks.evaluation.times=1",
    "callbacks.evaluation.samples=50",
)


def test_a_logger_of_ones_own(tmp_path, monkeypatch, capsys):
    text = LOGGERS.read_text()
    (code,) = re.findall(r"```python\n(# mine.py\n.*?)```", text, re.DOTALL)
    (command,) = re.findall(r"^python -m ganexp (.*mine\.Lines.*)$", text, re.MULTILINE)
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.setattr(sys, "argv", ["ganexp", *command.split(), *FEW])
    main()
    assert "finished" in capsys.readouterr().out
    (written,) = tmp_path.glob("outputs/*/*/curves.txt")
    assert "'final/coverage'" in written.read_text() and "'data.batch_size': 128" in written.read_text()


@pytest.mark.parametrize(
    "command", re.findall(r"^python -m ganexp (data=digits.*?)(?:  .*)?$", LOGGERS.read_text(), re.MULTILINE)
)
def test_commands_are_composed(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ganexp", *command.replace("'", "").split(), "--cfg", "job"])
    main()
    assert "logger:" in capsys.readouterr().out
