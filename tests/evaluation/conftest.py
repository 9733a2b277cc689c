import shutil
from pathlib import Path

import pytest

from ganexp.evaluation.program import main
from support.program import Program
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

QUICK = ("callbacks.evaluation.times=1", "callbacks.evaluation.samples=64", "callbacks.checkpoints.every=3")
EMA = ("schedule.ema_decay=0.5", "schedule.ema_warmup=false", "optimizer.lr=0.01")
IMAGES = (*TINY_IMAGES, *TINY_MLP, "network=mlp", *EMA, "metrics=none")
RUNS = {
    "sweep/one": (*TINY_RING, *EMA),
    "sweep/two": (*TINY_RING, *EMA, "seed=1"),
    "grid": (*TINY_RING[1:], "data=grid", "model=cgan", "network=mlp", "schedule.ema_decay=null"),
    "images": (*IMAGES, "model=cgan"),
    "semi": (*IMAGES, "model=ssgan", "model.labels=20"),
}


@pytest.fixture
def runs(shared_run, tmp_path, monkeypatch) -> Path:
    """Return the working directory, a folder with copies of trained runs."""
    for name, overrides in RUNS.items():
        shutil.copytree(shared_run(*overrides, *QUICK), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def evaluate(runs, monkeypatch, capsys) -> Program:
    return Program(main, monkeypatch, capsys)
