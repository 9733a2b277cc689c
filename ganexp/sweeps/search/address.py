"""The address of a database in which a study is kept, and its password, which is never part of what is stored or shown."""

import os
from typing import TYPE_CHECKING

from ganexp.config.errors import ConfigError
from ganexp.config.secret import redact

if TYPE_CHECKING:
    from sqlalchemy import URL

PASSWORD = "GANEXP_STORAGE_PASSWORD"
"""Environment variable with the password."""


def check_address(url: str) -> None:
    """Refuse an address that is none, or that has a password in it: it would be stored and shown.

    Raises:
        ConfigError: It is such a one.
    """
    from sqlalchemy import make_url

    try:
        made = make_url(url)
    except Exception as error:  # whatever its parser makes of it, which quotes the address
        hint = "such as sqlite:////home/me/studies.db"
        raise ConfigError("should be the address of a database", "search.storage", hint=hint) from error
    if made.password is not None or redact(url) != url:
        hint = f"leave it out, and set the environment variable {PASSWORD}"
        raise ConfigError("a password here would be stored and shown", "search.storage", hint=hint)


def address(url: str) -> "URL":
    """Return an address with the password of the environment, where it names a user."""
    from sqlalchemy import make_url

    made, password = make_url(url), os.environ.get(PASSWORD)
    return made.set(password=password) if password and made.username else made
