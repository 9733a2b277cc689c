"""What a program prints is no part of its work: when nobody can read it any more, the work goes on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


class Lasting:
    """A stream that turns silent when it cannot be written, as when its reader or its terminal is gone, or its disk is full.

    Arguments:
        stream: What is written to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or nothing where that is impossible."""
        try:
            return self._stream.write(text)
        except OSError:
            self._silence()
            return len(text)

    def flush(self) -> None:
        """Hand over what has been written."""
        try:
            self._stream.flush()
        except OSError:
            self._silence()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _silence(self) -> None:
        """Send the rest to nowhere: what the stream still holds would fail again when the process ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def lasting() -> Iterator[None]:
    """Let the standard output and the standard error of this process be such streams."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Lasting(stream) for stream in streams)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = streams
