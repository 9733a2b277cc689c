"""Paths as users write them: the one place where `~` becomes a home folder."""

import os
from pathlib import Path


def user_path(text: str | Path) -> Path:
    """Return the path that a user means: a leading `~` or `~name` is a home folder, where there is one; the rest stays.

    Every option that names a file or a folder goes through this.
    """
    return Path(os.path.expanduser(text))  # Path.expanduser raises where there is no such user
