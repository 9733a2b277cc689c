"""What identifies the content of many files: digests that are kept as long as no file has another name, size or time."""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from ganexp.runs.files import write_atomically

# Bytes of a file that are hashed at a time.
PIECE = 2**20

Each = Callable[[Callable[[Path | BinaryIO], str | OSError]], Iterable[str | OSError]]
"""Does something to each of the images, in their order."""


class UnreadableFiles(Exception):
    """Some files cannot be read: their names, and why."""

    def __init__(self, files: list[tuple[str, Exception]]) -> None:
        super().__init__(f"{len(files)} files cannot be read")
        self.files = files


def digests(folder: Path, names: list[str], cache: Path, each: Each) -> list[str]:
    """Return a digest of the content of each file.

    Arguments:
        folder: Where the files are.
        names: Their names in it.
        cache: The folder in which digests are kept; it need not exist.
        each: How to go through the files.

    Raises:
        UnreadableFiles: Some cannot be read.
        OSError: The digests cannot be kept.
    """
    states, gone = [str(folder.resolve())], list[tuple[str, Exception]]()
    for name in names:
        try:
            status = os.stat(folder / name)
        except OSError as error:
            gone.append((name, error))
            continue
        states.append(f"{name} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}")
    if gone:
        raise UnreadableFiles(gone)
    return kept_digests(states, names, cache, each)


def kept_digests(states: list[str], names: list[str], cache: Path, each: Each) -> list[str]:
    """Return a digest of the content of each of some images, which are kept as long as their states are the same.

    Arguments:
        states: What changes where content may have changed.
        names: The names of the images.
        cache: The folder in which digests are kept; it need not exist.
        each: How to go through the images.

    Raises:
        UnreadableFiles: Some cannot be read.
        OSError: The digests cannot be kept.
    """
    kept = cache / f"{digest_of(*states)}.content"
    try:
        content = kept.read_text().split()
    except OSError:
        content = []
    if len(content) == len(names):
        return content
    made = list(zip(names, each(_hash), strict=True))
    if failed := [(name, found) for name, found in made if isinstance(found, OSError)]:
        raise UnreadableFiles(list(failed))
    content = [str(found) for _, found in made]
    write_atomically(kept, "\n".join(content))
    return content


def digest_of(*parts: str) -> str:
    """Return 32 hexadecimal digits that stand for texts, which may be names of files in any encoding."""
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _hash(source: Path | BinaryIO) -> str | OSError:
    found = hashlib.blake2b(digest_size=16)
    try:
        with source.open("rb") if isinstance(source, Path) else source as file:
            while piece := file.read(PIECE):
                found.update(piece)
    except OSError as error:
        return error
    return found.hexdigest()
