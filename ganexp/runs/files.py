"""Files that are either the old one or the new one, whenever the process ends and whatever else writes them."""

import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path``, which takes its place at the end; missing folders are made.

    Raises:
        OSError: The file cannot be written; one that was there before stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            # Otherwise the new name may survive a power cut that the content does not.
            os.fsync(file.fileno())
        # mkstemp makes files private; give it the rights that an ordinary new file has.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_atomically(path: Path, text: str) -> None:
    """Write a text file."""
    with whole_file(path) as file:
        file.write(text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write plain types as JSON that any reader takes: numbers that are not finite become null."""
    write_atomically(path, json.dumps(strict(content), indent=2, allow_nan=False) + "\n")


def strict(content: Any) -> Any:
    """Return plain types with None in place of numbers that are not finite, which JSON does not know."""
    if isinstance(content, dict):
        return {key: strict(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [strict(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
