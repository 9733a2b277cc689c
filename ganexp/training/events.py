"""TensorBoard's events of a run that continues: the earlier ones in one file, without what came after the checkpoint.

Contract: however often a run was killed and resumed, each point is in its files once. TensorBoard's readers could be told by an
entry to forget points, but not all of them listen, and they read files by the times in their names, which a clock that was set
back puts in the wrong order. So what is kept moves to a file that sorts before all others. Only files of ganexp are touched.
"""

import hashlib
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

from ganexp.runs.files import whole_file
from ganexp.runs.run import METRICS

SUFFIX = ".ganexp"
"""What the names of the events of ganexp end in."""

_FILES = f"events.out.tfevents.*{SUFFIX}"
_EARLIER = f"events.out.tfevents.0000000000{SUFFIX}"

_RESULT = ("final/", "best/", "_hparams_/")
"""Tags of the result, which a run that continues has no more."""

_LENGTH, _CHECKSUM = struct.Struct("<Q"), 4


def continue_events(folder: Path, iteration: int) -> None:
    """Keep the events of a run up to an iteration, and drop later ones and the result.

    Arguments:
        folder: The run's folder.
        iteration: From which it continues; at 0, nothing is kept.

    Raises:
        OSError: A file cannot be read or written; nothing is lost then.
    """
    files = sorted(folder.glob(_FILES))
    if iteration and files:
        seen = set()
        with whole_file(folder / _EARLIER) as kept:
            for record in (record for file in files for record in _records(file)):
                digest = hashlib.blake2b(record, digest_size=16).digest()
                if digest not in seen and _stays(record, iteration):  # a kill may leave a file that is in the first, too
                    seen.add(digest)
                    kept.write(record)
    for file in files:
        if not (iteration and file.name == _EARLIER):
            file.unlink()


def _records(file: Path) -> Iterator[bytes]:
    """Return the records of a file, each with its length and its checksums, up to one that is not complete."""
    with file.open("rb") as stream:
        while len(head := stream.read(_LENGTH.size + _CHECKSUM)) == _LENGTH.size + _CHECKSUM:
            if not _checks(head[: _LENGTH.size], head[_LENGTH.size :]):
                message = f"{file} is damaged: TensorBoard loses what comes after; {METRICS} has all numbers"
                warnings.warn(message, RuntimeWarning, stacklevel=2)
                return
            body = stream.read(size := _LENGTH.unpack_from(head)[0] + _CHECKSUM)
            if len(body) < size:  # cut off by a kill
                return
            yield head + body


def _checks(content: bytes, checksum: bytes) -> bool:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    return struct.pack("<I", masked_crc32c(content)) == checksum


def _stays(record: bytes, iteration: int) -> bool:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        event = Event.FromString(record[_LENGTH.size + _CHECKSUM : -_CHECKSUM])
    except DecodeError:
        return False
    if event.HasField("session_log"):  # it would make readers forget points
        return False
    return event.step <= iteration and not any(value.tag.startswith(_RESULT) for value in event.summary.value)
