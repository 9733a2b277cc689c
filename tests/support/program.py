"""The programs beside the main one, as their command lines."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from ganexp.config.compose import directory


class Program:
    """A command line that runs in the test's process."""

    def __init__(self, main: Callable[[], None], patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.main, self.patch, self.capsys = main, patch, capsys
        patch.delenv("HYDRA_FULL_ERROR", raising=False)

    def __call__(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """Return what it wrote to the standard output and to the standard error."""
        self.patch.setattr(sys, "argv", ["program", *arguments])
        with pytest.raises(SystemExit) as ended:
            self.main()
        printed = self.capsys.readouterr()
        assert ended.value.code == status, printed.err
        return printed.out, printed.err

    def refuse(self, *arguments: str) -> str:
        """Return the one line of a refusal, without the program's name; nothing else was printed."""
        printed, told = self(*arguments, status=2)
        (message,) = told.splitlines()
        assert printed == "" and message.startswith("ganexp: ")
        return message.removeprefix("ganexp: ")


def loaded(module: str, argument: str) -> tuple[str, str, list[str]]:
    """Run a program in a process of its own; return its first line, its exit status, and the heavy packages it imported."""
    code = f"import sys; from {module}.program import main\ntry: main()\nexcept SystemExit as end: print(end.code)\n"
    code += "print(*[name for name in ('torch', 'lightning', 'numpy') if name in sys.modules])"
    lines = _python("-c", code, argument).stdout.splitlines()
    return lines[0], lines[-2], lines[-1].split()


def run_module(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module`` in the working directory."""
    return _python("-m", module, *arguments)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(directory().parent)}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)
