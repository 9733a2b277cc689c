"""Paths as users write them: the one place where `~` becomes a home folder."""

import os
import re
from pathlib import Path

from ganexp.config.compose import quote


def user_path(text: str | Path) -> Path:
    """Return the path that a user means: a leading `~` or `~name` is a home folder, where there is one; the rest stays.

    Every option that names a file or a folder goes through this.
    """
    return Path(os.path.expanduser(text))  # Path.expanduser raises where there is no such user


def quote_home(argument: str) -> str:
    """Return an argument of the command line in which each value with a `~` is quoted: Hydra cannot read it as it is.

    The value of a flag, such as `--config-dir=~/mine`, which is no part of Hydra's language, is expanded.
    """
    key, equals, value = argument.partition("=")
    if "~" not in value or set(value) & set("'\""):
        return argument
    if key.startswith("-"):
        return f"{key}={user_path(value)}"
    return key + equals + re.sub(r"[^,()\[\]{}]*~[^,()\[\]{}]*", lambda found: quote(found[0]), value)
