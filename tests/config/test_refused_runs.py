"""Runs that cannot be continued: one clear message, exit status 2, and the run as it was."""

import sys
from pathlib import Path

import pytest

from ganexp.__main__ import main
from support.one_message import SHORT
from support.tiny import TINY_RING


@pytest.fixture
def finished(monkeypatch, tmp_path):
    """Return the directory of a run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["ganexp", "name=run", "callbacks.samples.times=1", "callbacks.checkpoints.every=1", *SHORT, *TINY_RING]
    )
    main()
    (run,) = tmp_path.glob("outputs/run/*")
    return run


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("change", "start"),
    [
        ("schedule.d_stepz=2", "schedule.d_stepz=2: "),
        ("schedule.d_steps=x", "schedule.d_steps=x: "),
        ("loss=hinge", "loss=hinge: "),
        ("optimizer=sgd", "optimizer=sgd: "),
        ("accelerator=gpu", "accelerator=gpu: "),
        ("+penalty@regularizers.lecam=lecam", "+penalty@regularizers.lecam=lecam: "),
        ("resume=other", "resume=other: "),
        ("+trainer.fast_dev_run=true", "trainer.fast_dev_run=true: "),
        ("network.generator.widths=[9]", "resume="),
    ],
)
def test_a_run_that_cannot_be_resumed_like_this_stays_as_it_was(refused, finished, change, start):
    before = content(finished)
    assert refused(f"resume={finished}", change).startswith(start)
    assert content(finished) == before


def test_a_run_whose_checkpoints_are_all_damaged(refused, finished):
    checkpoints = sorted((finished / "checkpoints").glob("*.ckpt"))
    assert [path.stem for path in checkpoints] == ["best", "last", "previous"]
    for path in checkpoints:
        path.write_bytes(path.read_bytes()[:-100])
    before = content(finished)
    told = refused(f"resume={finished}")
    assert told.startswith(f"resume={finished}: ")
    assert all(str(path) in told for path in checkpoints)
    assert content(finished) == before


@pytest.mark.parametrize("damage", ["", "a: [", "a: 1"])
def test_a_run_whose_configuration_is_damaged(refused, finished, damage):
    (finished / ".hydra" / "config.yaml").write_text(damage)
    assert str(Path(".hydra", "config.yaml")) in refused(f"resume={finished}")


def test_a_file_inside_a_folder_that_is_no_run(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert refused("resume=file").startswith("resume=file: ")
