"""Checkpoints are written as a whole or not at all."""

import resource

import pytest
import torch

from ganexp.training.checkpoints import AtomicCheckpointIO


@pytest.fixture
def small_disk():
    """Let no file of this process grow beyond 10,000 bytes, as when the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_keeps_a_checkpoint_from_being_written_is_told_and_the_one_before_stays(tmp_path, request):
    io, path = AtomicCheckpointIO(), tmp_path / "last.ckpt"
    io.save_checkpoint({"x": torch.ones(2)}, path)
    request.getfixturevalue("small_disk")
    with pytest.raises(OSError, match="File too large"):
        io.save_checkpoint({"x": torch.ones(10_000)}, path)
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]
    assert torch.equal(io.load_checkpoint(path)["x"], torch.ones(2))
