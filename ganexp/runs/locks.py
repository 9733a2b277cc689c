"""Locks that end with the process that holds them, however it ends: on one machine, and on file systems that several share."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_PATIENCE = 1.0  # seconds; longer than somebody needs to look whether a lock is held


class Held(RuntimeError):
    """Another process holds the lock."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made, in a folder that exists.

    Raises:
        Held: Another process, or another holder in this one, has it.
    """
    lock = acquire(path)
    try:
        yield
    finally:
        lock.release()


def acquire(path: Path) -> FileLock:
    """Return a lock that is held until it is released or the process ends.

    Raises:
        Held: Another process, or another holder in this one, has it.
        OSError: The file cannot be written, or is a link.
    """
    if path.is_symlink():  # what it leads to would be emptied
        raise OSError(errno.ELOOP, "it is a link", str(path))
    lock = FileLock(path, timeout=_PATIENCE, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise Held(f"{path} is held by another process") from error
    return lock


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time make a file: the others wait for it and then find the file.

    Where no lock can be had, as in a folder that is read only, nobody waits.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Return whether some process holds the lock of a file; makes none."""
    if path.is_symlink() or not path.is_file():
        return False
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return True
    except PermissionError:  # somebody else's folder: whether it is held cannot be asked
        return False
    lock.release()
    return False
