"""Paths as users write them: the one place where `~` becomes a home folder."""

import os
import re
from pathlib import Path

from ganexp.config.compose import quote
from ganexp.config.errors import ConfigError

_SIGNS = set("=,:()[]{}'\"$ ")


def user_path(text: str | Path) -> Path:
    """Return the path that a user means: a leading `~` or `~name` is a home folder, where there is one; the rest stays.

    Every option that names a file or a folder goes through this.
    """
    return Path(os.path.expanduser(text))  # Path.expanduser raises where there is no such user


def own_folder(text: str) -> Path:
    """Return the folder of YAML files of one's own that ``--config-dir`` names.

    Raises:
        ConfigError: There is no such folder.
    """
    if not (folder := user_path(text)).is_dir():
        raise ConfigError("there is no such folder", "--config-dir")
    return folder


def quote_paths(argument: str) -> str:
    """Return an argument of the command line in which paths are quoted that Hydra cannot read as they are.

    They are values with a `~`, and the path of something that exists and has signs of Hydra's language in it, such as that of a
    run in a sweep. The value of a flag, such as `--config-dir=~/mine`, which is no part of Hydra's language, is expanded.
    """
    key, equals, value = argument.partition("=")
    if not key.startswith("-") and set(value) & _SIGNS and os.path.exists(value):
        return key + equals + quote(value)
    if "~" not in value or set(value) & set("'\""):
        return argument
    if key.startswith("-"):
        return f"{key}={user_path(value)}"
    return key + equals + re.sub(r"[^,()\[\]{}]*~[^,()\[\]{}]*", lambda found: quote(found[0]), value)
