import sys

import pytest

from ganexp.__main__ import main
from support.one_message import message


@pytest.fixture
def refused(monkeypatch, tmp_path, capfd):
    """Return a function that runs a command line in this process, in an empty folder, and returns its one message."""

    def run(*arguments: str, status: int = 2) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        monkeypatch.setattr(sys, "argv", ["ganexp", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == status
        return message(capfd.readouterr().err)

    return run
