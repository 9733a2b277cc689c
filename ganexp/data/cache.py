"""What is kept between runs, in the user's cache folder; whatever lies there may be deleted at any time."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return the absolute path of `ganexp/name` in the user's cache folder: XDG_CACHE_HOME, else ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "ganexp", name).expanduser().absolute()
