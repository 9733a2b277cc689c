"""What runs out is named in one message; any other error is none of them."""

import errno
import io
import sys

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.config.output import lasting
from ganexp.config.shortage import explain_shortage


def followed(error: BaseException, cause: BaseException) -> BaseException:
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (OSError(errno.EFBIG, "File too large"), "largest size"),
        (OSError(errno.EMFILE, "Too many open files"), "files"),
        (followed(RuntimeError("unexpected pos 64 vs 0"), OSError(errno.EDQUOT, "Disk quota exceeded")), "quota"),
        (followed(ValueError("while closing"), MemoryError()), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "memory"),
        (torch.OutOfMemoryError("CUDA out of memory."), "memory"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (FileNotFoundError(errno.ENOENT, "No such file"), None),
        (ConfigError("no such option", "loss"), None),
        (ValueError("out of memory is what this text says"), None),
    ],
)
def test_what_ran_out(error, word):
    message = explain_shortage(error, "All is well.", "again")
    if word is None:
        assert message is None
    else:
        assert word in message and "All is well." in message and message.endswith("again")
        assert message.startswith("ganexp: ") and len(message.splitlines()) == 1


def test_what_cannot_be_printed_ends_nothing(tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return file.fileno()

    with open(tmp_path / "file", "w") as file:
        monkeypatch.setattr(sys, "stdout", Gone())
        with lasting():
            print("one", flush=True)
            print("two", flush=True)
        file.write("nothing")
    assert (tmp_path / "file").read_text() == ""
