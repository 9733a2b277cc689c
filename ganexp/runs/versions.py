"""The versions of the packages that made a result."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from ganexp import __version__


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of ganexp, of Python, and of those packages that are installed."""
    found = {"ganexp": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
