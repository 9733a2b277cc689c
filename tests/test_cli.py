"""The real command line: every shipped YAML, sweeps, signals, several processes."""

import json
import os
import signal
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch

from ganexp.__main__ import main
from ganexp.config.classes import find
from ganexp.config.compose import compose, compose_option, directory
from ganexp.runs.checkpoint import last_good
from ganexp.runs.run import Run
from support.command import SMALL, ended, start, wait_for
from support.curves import curves, rows
from support.one_update import RANDOM, data_of
from support.tiny import TINY_IMAGES, TINY_RING

IMAGES = {
    "mnist": "MNIST",
    "stacked_mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "cifar10": "cifar-10-batches-py",
    "cifar100": "cifar-100-python",
    "svhn": "svhn",
    "stl10": "stl10_binary",
    "celeba": "celeba",
    "lsun": "bedroom_train_lmdb",
}
"""Data sets that have to be there, and the folder that shows it."""
PICTURES = resources.files("ganexp.data") / "densities"
NEEDS = {
    "folder": (f"data.path={PICTURES}", "data.size=16"),
    "npz": ("data.path=own.npz", "metrics=none"),
    "points": ("data.path=own.csv", "data.labels=2"),
    **dict.fromkeys(IMAGES, ("metrics=none",)),
}
"""Data sets that ask for more than their name; a classifier of the downloaded ones would take minutes."""
NARROW = ("network.generator.channels=2", "network.discriminator.channels=2")
WIDE = {
    **dict.fromkeys(("resnet", "sagan", "biggan"), ("data.size=32", *NARROW)),
    **dict.fromkeys(("stylegan2", "r3gan"), NARROW),
}
"""Networks that are small for a test only if told so; the residual ones want images of their own sizes."""
FAMILIES = ("sngan", "sagan", "biggan", "stylegan2", "r3gan", "reacgan", "resnet")
"""Presets with these in their names have such networks."""
OTHER_PICTURES = {
    "stl10_sngan": ("data=folder", f"data.path={PICTURES}", "data.size=48", "~data.unlabelled"),
    "celeba_sngan": ("data=folder", f"data.path={PICTURES}", "data.size=64"),
}
"""Presets of data that have to be downloaded, on pictures that are there, of the same size."""
ELSEWHERE = {"hydra", "launcher", "search"}
"""Groups of which one run makes no choice: tests/sweeps."""
EXTRAS = {"data": {"huggingface"}, "accelerator": {"gpu", "mps", "ddp"}, "logger": {"mlflow", "wandb"}}
"""What a test of one process on a CPU does not reach, or what needs an extra: tests/training/test_trackers.py."""


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (directory() / group).glob("*.yaml"))


@pytest.fixture
def ganexp(monkeypatch, tmp_path, capsys):
    """Return a function that runs a command line in this process, in an empty folder, and returns its output."""

    def run(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["ganexp", *arguments])
        main()
        return capsys.readouterr().out

    return run


def the_run(folder: Path) -> Path:
    (path,) = (path.parent for path in folder.glob("outputs/*/*/summary.json"))
    return path


def together(*base: str, **groups: list[str]) -> list[tuple[str, ...]]:
    """Return few command lines in which every choice of every group occurs."""
    length = max(map(len, groups.values()))
    return [(*base, *(f"{group}={names[i % len(names)]}" for group, names in groups.items())) for i in range(length)]


def every(*groups: str) -> dict[str, list[str]]:
    return {group: options(group) for group in groups}


OPTIONS = ("loss", "optimizer", "lr_schedule", "extractor", "recipe", "schedule", "trainer", "callbacks")
LOGGERS = [name for name in options("logger") if name not in EXTRAS["logger"]]
OF_IMAGES = [
    name
    for name in options("metrics")
    if name != "full" and any(find(node["_target_"], name).needs_features for node in compose_option("metrics", name).values())
]
OF_POINTS = [name for name in options("metrics") if name not in OF_IMAGES]


def on_random_images(name: str) -> tuple[str, ...]:
    """Return the overrides that give an experiment of images a few from no file."""
    return (*chosen, "data.subset=null") if (chosen := data_of(name, RANDOM)) else ()


def of_preset(name: str) -> tuple[str, ...]:
    """Return the overrides that let a preset run in a moment, on data from no file."""
    narrow = NARROW if any(family in name for family in FAMILIES) else ()
    pictures = NEEDS["folder"] if name.startswith("folder") else OTHER_PICTURES.get(name) or on_random_images(name)
    if name == "cifar10_dcgan_wide":
        pictures += tuple(f"network.{player}.widths=[4,4,4]" for player in ("generator", "discriminator"))
    return f"experiment={name}", "data.batch_size=4", *pictures, *narrow


PENALTIES = [name for name in options("penalty") if name != "path_length"]  # which needs styles
OTHER_DATA = (name for name in options("data") if name not in {"digits", "ring", *EXTRAS["data"]})
LINES = [
    *together(*TINY_RING, metrics=OF_POINTS, accelerator=["cpu", "auto"], logger=LOGGERS, **every(*OPTIONS)),
    *together(*TINY_IMAGES[:-1], "loss=hinge", metrics=OF_IMAGES, penalty=PENALTIES, **every("augmentation")),
    (*TINY_IMAGES, "penalty=path_length", "network=stylegan2", *NARROW),
    *((*TINY_IMAGES, f"model={name}") for name in options("model")),
    *((*TINY_IMAGES, f"network={name}", *WIDE.get(name, ())) for name in options("network")),
    *((f"data={name}", "data.batch_size=2", "model=gan", *NEEDS.get(name, ())) for name in OTHER_DATA),
    *map(of_preset, options("experiment")),
]  # fmt: skip


def test_every_yaml_is_tried():
    tried = {setting for line in LINES for setting in line}
    for group in {path.name for path in directory().iterdir() if path.is_dir()} - ELSEWHERE:
        assert {name for name in options(group) if f"{group}={name}" not in tried} == EXTRAS.get(group, set()), group


@pytest.mark.parametrize("line", LINES, ids=lambda line: ",".join(part for part in line if "." not in part))
def test_every_yaml_runs(ganexp, tmp_path, line):
    files = IMAGES.get(compose(*line)["choices"]["data"])
    if "experiment" not in line[0] and files and not (Path(os.environ.get("GANEXP_DATA", "")) / files).is_dir():
        pytest.skip(f"no folder with {files} is named by GANEXP_DATA")
    np.savez(tmp_path / "own.npz", images=np.zeros((20, 8, 6), np.uint8))
    (tmp_path / "own.csv").write_text("".join(f"{x},{x / 2},{x % 2}\n" for x in range(100)))
    output = ganexp(*SMALL, *line, "trainer.max_iterations=2")
    summary = json.loads((the_run(tmp_path) / "summary.json").read_text())
    assert (summary["status"], summary["iteration"]) == ("finished", 2)
    assert "finished at iteration 2 of 2" in output
    assert "tensorboard --logdir" in output


def test_conditional_points_use_a_perceptron(ganexp, tmp_path):
    ganexp(*SMALL, "model=cgan", "data=ring", "data.batch_size=16", "trainer.max_iterations=2")
    assert the_run(tmp_path).parent.name == "cgan-ring-r3gan"


def test_a_resumed_run_takes_options_that_others_follow(ganexp, tmp_path):
    ganexp(*SMALL, *TINY_RING, "trainer.max_iterations=2")
    ganexp(f"resume={the_run(tmp_path)}", "trainer.max_iterations=3", "optimizer.lr=0.25", "recipe.r1_gamma=0.5")
    config = Run(the_run(tmp_path)).config
    assert (config["d_optimizer"]["lr"], config["penalty"]["gamma"]) == (0.25, 0.5)
    assert json.loads((the_run(tmp_path) / "summary.json").read_text())["iteration"] == 3


def test_a_run_that_only_shows_that_it_works_leaves_nothing(ganexp, tmp_path, monkeypatch):
    (place := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    output = ganexp(*TINY_RING, "+trainer.fast_dev_run=2")
    assert "finished at iteration 2 of 2" in output and "tensorboard" not in output
    assert list(tmp_path.rglob("*")) == [place]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)])
def test_a_run_told_to_stop_continues_exactly(ganexp, tmp_path, number, status):
    command = (*SMALL, *TINY_RING, "callbacks.checkpoints.every=50", "trainer.max_iterations=1000")
    process = start(tmp_path, *command, "output_dir=stopped")
    wait_for(tmp_path, "stopped/*/*/checkpoints/last.ckpt", process)
    process.send_signal(number)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == status, output
    (stopped,) = tmp_path.glob("stopped/*/*")
    if number != signal.SIGKILL:
        assert json.loads((stopped / "summary.json").read_text())["status"] == "stopped"
        assert f"resume={stopped}" in output
    ganexp(f"resume={stopped}")
    ganexp(*command, "output_dir=whole")
    (whole,) = tmp_path.glob("whole/*/*")
    ends = [torch.load(path / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for path in (stopped, whole)]
    for name, weight in ends[1].items():
        assert torch.equal(ends[0][name], weight) if isinstance(weight, torch.Tensor) else ends[0][name] == weight, name
    assert curves(stopped) == curves(whole)
    assert rows(stopped) == rows(whole)
    assert json.loads((stopped / "summary.json").read_text())["status"] == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.02, 0.5])
def test_a_second_interrupt_ends_a_run_at_once_wherever_it_is(ganexp, tmp_path, pause):
    process = start(tmp_path, *SMALL, *TINY_RING, "callbacks.checkpoints.every=50", "trainer.max_iterations=100000")
    wait_for(tmp_path, "outputs/*/*/checkpoints/last.ckpt", process)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(pause)
    output = process.communicate(timeout=60)[0]
    assert process.returncode in (-signal.SIGINT, 130), output  # 130: it was through before the second one
    assert "Traceback" not in output
    (folder,) = tmp_path.glob("outputs/*/*")
    iteration = last_good(Run(folder)).iteration
    ganexp(f"resume={folder}", f"trainer.max_iterations={iteration + 3}")
    steps = [int(row["iteration"]) for row in rows(folder)]
    assert steps == list(range(1, iteration + 4))


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(ganexp, tmp_path):
    dump = ("+callbacks.dump._target_=support.tiny.DumpWeights",)
    command = (*SMALL, *TINY_RING, "loss=r3gan", "optimizer=sgd", "augmentation=none", "trainer.max_iterations=6", *dump)
    ganexp(*command, "output_dir=one")
    ended(tmp_path, *command, "accelerator=ddp", "output_dir=two")
    (one,), (two,) = tmp_path.glob("one/*/*"), tmp_path.glob("two/*/*")
    ranks = [torch.load(two / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    single = torch.load(one / "rank0.pt", weights_only=True)
    for name, weight in single.items():
        if isinstance(weight, torch.Tensor):
            assert torch.equal(ranks[0][name], ranks[1][name]), f"{name} differs between the ranks"
            torch.testing.assert_close(ranks[0][name], weight, rtol=1e-4, atol=1e-6)
    for tag, points in curves(one).items():
        if tag.startswith("loss/"):
            together = curves(two)[tag]
            assert [step for step, _ in points] == [step for step, _ in together]
            torch.testing.assert_close([v for _, v in together], [v for _, v in points], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_runs_of_several_processes_follow_each_other_in_a_sweep_and_resume(tmp_path):
    command = (*SMALL, *TINY_RING, "accelerator=ddp", "trainer.max_iterations=4")
    ended(tmp_path, "-m", *command, "seed=0,1")
    summaries = [json.loads(path.read_text()) for path in tmp_path.glob("outputs/sweeps/*/*/summary.json")]
    assert [(summary["status"], summary["processes"]) for summary in summaries] == [("finished", 2)] * 2
    output = ended(tmp_path, f"resume={summaries[0]['directory']}", "trainer.max_iterations=6")
    assert "finished at iteration 6 of 6" in output
    assert [row["iteration"] for row in rows(Path(summaries[0]["directory"]))] == ["1", "2", "3", "4", "5", "6"]
