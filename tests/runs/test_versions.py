import platform

from ganexp import __version__
from ganexp.runs.versions import versions


def test_packages_that_are_not_installed_are_left_out():
    found = versions(["torch", "no-such-package"])
    assert found.keys() == {"ganexp", "python", "torch"}
    assert (found["ganexp"], found["python"]) == (__version__, platform.python_version())
