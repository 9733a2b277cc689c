"""Passwords: kept out of what is printed and stored."""

import re

_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)\S*(@)")
_IN_QUERY = re.compile(r"([?&;](?:password|passwd|pwd|token|secret|api_?key)=)[^\s&;]*", re.IGNORECASE)


def redact(text: str) -> str:
    """Return a text with stars in place of the passwords of the addresses in it, such as ``postgresql://me:secret@host/studies``."""
    return _IN_QUERY.sub(r"\1***", _IN_ADDRESS.sub(r"\1***\2", text))
