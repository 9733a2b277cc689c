"""Running out of something: one message that says what, what is safe and how to go on."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ganexp.config.refusals import PREFIX

_DISK = "free some space"
_FILES = {
    errno.ENOSPC: ("the disk is full", _DISK),
    errno.EDQUOT: ("the disk quota is used up", _DISK),
    errno.EFBIG: ("a file has reached the largest size that is allowed", "raise the limit (ulimit -f)"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENFILE: ("too many files are open on this machine", "close some"),
    errno.EROFS: ("the file system cannot be written any more", "mount it writable"),
}
_MEMORY = ("memory has run out", "free some, raise its limit, or make data.batch_size or the networks smaller")

# What libraries say in exceptions of no class of their own.
_WORDS = {
    "disk is full": _FILES[errno.ENOSPC],
    "no space left": _FILES[errno.ENOSPC],
    "file too large": _FILES[errno.EFBIG],
    "out of memory": _MEMORY,
    "not enough memory": _MEMORY,
    "allocate memory": _MEMORY,
    "memory allocation": _MEMORY,
    "bad_alloc": _MEMORY,
    "failed to map segment": _MEMORY,
    "can't start new thread": ("no more threads or memory can be had", "raise the limits (ulimit -u, ulimit -v)"),
    "resource temporarily unavailable": ("no more processes can be started", "raise the limit (ulimit -u)"),
}


def explain_shortage(error: BaseException, safe: str, command: str) -> str | None:
    """Return the message for an error that means that something ran out; None for any other.

    Arguments:
        error: The error, or one that followed from it.
        safe: What is not lost, in one sentence.
        command: What goes on.
    """
    for cause in _causes(error):
        found = _shortage(cause)
        if found is not None:
            what, remedy = found
            detail = " ".join((str(cause).strip() or type(cause).__name__).splitlines()[0].split())
            return f"{PREFIX}{what} ({detail}). {safe} To go on, {remedy}, then: {command}"
    return None


@contextmanager
def quiet_threads() -> Iterator[None]:
    """Print no traceback of a thread in which something ran out: whoever waits for the thread gets the error, too."""
    before = threading.excepthook

    def show(failure: threading.ExceptHookArgs) -> None:
        if failure.exc_value is None or explain_shortage(failure.exc_value, "", "") is None:
            before(failure)

    threading.excepthook = show
    try:
        yield
    finally:
        threading.excepthook = before


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error and what led to it; a message without a class counts only where no other says it better."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    yield from sorted(seen, key=lambda one: not isinstance(one, OSError | MemoryError))


def _shortage(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        return _MEMORY if error.errno == errno.ENOMEM else _FILES.get(error.errno)
    if isinstance(error, OSError | RuntimeError | ImportError) or type(error).__module__.startswith(("sqlalchemy", "sqlite3")):
        text = str(error).lower()
        return next((found for words, found in _WORDS.items() if words in text), None)
    return None
