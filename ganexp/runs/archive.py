"""Archives of tensors with a checksum over every byte, opened only if it fits.

Contract: what :func:`write` makes is a file that ``torch.load(weights_only=True)`` reads, too: a zip archive whose comment is
the BLAKE2 digest of all bytes before it. Zip's own checksums cover what is in an archive, but not where it says that it lies.
Nothing is read of a file whose digest does not fit, and nothing but tensors and plain types is ever unpickled.
"""

import hashlib
import os
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch

from ganexp.runs.files import open_regular, replacing

_MARK = b"ganexp-blake2b:"
_BYTES = 32  # of the digest; BLAKE2 is fast also where a processor has no instructions for SHA
_SEAL = len(_MARK) + 2 * _BYTES
_CHUNK = 2**20


class Damaged(OSError):
    """A file cannot be read as a whole, or is none of this package."""


def write(content: Any, path: Path, before: Path | None = None) -> None:
    """Write an archive, whole or not at all.

    Arguments:
        content: Tensors and plain types.
        path: Where.
        before: Where a file that was at ``path`` is kept.

    Raises:
        OSError: The file cannot be written, as when the disk is full; what was there stays.
    """
    try:
        with replacing(path) as made:
            with made.open("wb") as file:
                sealing = Sealing(file)
                torch.save(content, sealing)  # type: ignore[arg-type] # it calls write and flush
                sealing.close()
                file.flush()
                os.fsync(file.fileno())
            if before is not None and path.exists():
                os.replace(path, before)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):  # torch reports its position in the file, not that the disk is full
            raise error.__context__ from None
        raise


def read(path: Path) -> Any:
    """Return the content of an archive, on the CPU.

    Raises:
        Damaged: It cannot be read, is damaged, or is none that :func:`write` made.
    """
    try:
        with open_regular(path) as file:
            _check(file)
            file.seek(0)
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever damage provokes, or what somebody made to look like an archive
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).partition("\n")[0]
        raise Damaged(f"{path} is damaged: {reason}") from error


def _check(file: BinaryIO) -> None:
    """Check the digest, and that the archive is as large as it says.

    Raises:
        ValueError: It is not.
        zipfile.BadZipFile: It is no archive.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _SEAL))
    seal = file.read()
    if not seal.startswith(_MARK):
        raise ValueError("it has no checksum of ganexp, so it is incomplete or another program made it")
    file.seek(0)
    digest, left = hashlib.blake2b(digest_size=_BYTES), size - _SEAL
    while part := file.read(min(_CHUNK, left)):
        digest.update(part)
        left -= len(part)
    if _seal(digest.hexdigest()) != seal:
        raise ValueError("its checksum does not match")
    members = zipfile.ZipFile(file).infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members) or sum(m.file_size for m in members) > size:
        raise ValueError("it says that it holds more than it does")


def _seal(digest: str) -> bytes:
    return _MARK + digest.encode()


class Sealing:
    """A file that is written once, from its beginning to its end, and ends with its checksum as the comment of an archive."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest, self._last = file, hashlib.blake2b(digest_size=_BYTES), b""

    def write(self, part: bytes) -> int:
        """Write a part, and take it into account; the last two bytes, the length of the comment, are still to change."""
        self._file.write(part)
        if len(part) < 2:
            part, self._last = self._last + part, b""
        self._digest.update(self._last)
        self._digest.update(memoryview(part)[:-2])
        self._last = bytes(part[-2:])
        return len(part)

    def flush(self) -> None:
        """Leave it to the file."""

    def close(self) -> None:
        """Write the length of the comment, and the comment."""
        length = struct.pack("<H", _SEAL)
        self._digest.update(length)
        self._file.seek(-2, os.SEEK_END)
        self._file.write(length + _seal(self._digest.hexdigest()))
