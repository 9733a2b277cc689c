"""Checkpoints that are kept."""

import torch

from tiny import TINY_RING


def iterations(training) -> dict[str, int]:
    """Return the iteration of each checkpoint of a run."""
    paths = (training.run.path / "checkpoints").iterdir()
    return {path.name: torch.load(path, weights_only=True)["ganexp"]["counters"]["iteration"] for path in paths}


def test_only_the_last_two_are_kept(trained):
    assert iterations(trained(*TINY_RING, "callbacks.checkpoints.every=2")) == {"last.ckpt": 6, "previous.ckpt": 4}


def test_those_of_the_cadence_are_kept_where_that_is_wanted(trained):
    kept = iterations(trained(*TINY_RING, "callbacks.checkpoints.every=4", "callbacks.checkpoints.keep=true"))
    assert kept == {"last.ckpt": 6, "previous.ckpt": 4, "00000004.ckpt": 4, "00000006.ckpt": 6}
