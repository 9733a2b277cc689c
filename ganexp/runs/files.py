"""Atomic writes: a file or folder is either the old or the new one, whenever the process ends. Reading what others left.

Contract: what is not complete lies in a hidden folder beside its place, where no reader looks. Whatever ends the process, such
a folder is all that it leaves; :func:`clean` deletes it.
"""

import errno
import json
import math
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

_WORKSHOP = ".ganexp-"
"""What the names of folders with incomplete files begin with."""

DAY = 86_400.0
"""Seconds after which nobody is still at work in such a folder."""


@contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """Give a path of the same name in a hidden folder beside ``path``, which is deleted at the end with what is left in it.

    Missing folders above are made; those that are empty at the end are deleted again.

    Raises:
        OSError: It cannot be made.
    """
    absent = [folder for folder in path.parents if not folder.exists()]
    folder = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_WORKSHOP, dir=path.parent))
        yield folder / path.name
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if absent:
            remove_empty(absent[0], len(absent))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path of the same name, where a file or folder is made that takes the place of ``path`` at the end.

    A folder replaces another one whole.

    Raises:
        OSError: It cannot be written; nothing is left of it, and what was at ``path`` stays.
    """
    with workshop(path) as made:
        yield made
        if path.is_dir() and made.is_dir():  # the system replaces only an empty folder
            os.replace(path, made.with_name(f"{path.name}.old"))
        os.replace(made, path)


def clean(folder: Path, age: float = 0.0) -> None:
    """Delete what processes that were killed left incomplete in a folder.

    Arguments:
        folder: The folder, which need not exist; those in it are left alone.
        age: Seconds for which a process may still be at work there; 0 where no other one writes.
    """
    for left in folder.glob(f"{_WORKSHOP}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime >= age:
                shutil.rmtree(left)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of ``path`` at the end; missing folders are made.

    Raises:
        OSError: The file cannot be written; one that was there before stays as it was.
    """
    with replacing(path) as made, made.open("wb") as file:
        yield file
        file.flush()
        # Otherwise the new name may survive a power cut that the content does not.
        os.fsync(file.fileno())


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read it, without waiting for what is none, such as a pipe.

    Raises:
        OSError: It cannot be read, or is no file.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115 (returned)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return file


def read_inside(folder: Path, name: str | Path, most: int, last: bool = False) -> bytes:
    """Return the content of a file in a folder that anybody may have made: no link, no pipe, no more than so many bytes.

    Arguments:
        folder: The folder, which may itself be reached by links.
        name: The place of the file in it.
        most: Most bytes.
        last: Whether the last bytes are returned of a file that has more.

    Raises:
        OSError: It cannot be read, is something else, lies elsewhere, or has more bytes.
    """
    path = folder / name
    if path.resolve() != folder.resolve() / name:
        raise OSError(errno.ELOOP, "it is a link", str(path))
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most and not last:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
        file.seek(max(0, size - most))
        return file.read(most)


def remove_empty(folder: Path, levels: int = 3) -> None:
    """Delete a folder and its parents, up to ``levels`` of them, as long as they are empty."""
    for candidate in (folder, *list(folder.parents)[: levels - 1]):
        try:
            candidate.rmdir()
        except OSError:  # not empty, or gone
            return


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
