"""A cache folder of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that chooses a cache folder of the test's own and returns the folder of derived files in it."""

    def choose(name: str) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        return tmp_path / name / "ganexp" / "derived"

    choose("cache")
    return choose
