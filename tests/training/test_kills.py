"""A run that is killed at any moment and resumed ends in the same folder as one that was never killed."""

import shutil
import warnings
from pathlib import Path

import pytest

from ganexp.config.compose import compose
from ganexp.runs.run import Run, runs_below
from ganexp.training.experiment import assemble
from ganexp.training.train import finished, train
from support.kills import differences, shown, snapshots
from support.refused import refused
from support.tiny import TINY, TINY_RING

# Every kind of file, and each of them more than once.
ALL = (
    *(*TINY, *TINY_RING, "callbacks.checkpoints.every=3", "callbacks.checkpoints.keep=true", "callbacks.evaluation.every=2"),
    *("callbacks.samples.every=3", "callbacks.samples.points=20", "callbacks.weights.every=3"),
    "callbacks.evaluation.samples=20",
)
STATES = 8
"""Of the moments at which a run is killed, so many are tried here, and all by ``scripts/torture.py``."""


def run_all(folder: Path, *more: str) -> Path:
    train(assemble(compose(*ALL, *more), Run(folder)), list(more))
    return folder


def resume(folder: Path, *more: str) -> None:
    experiment = assemble(Run(folder).config | ({} if not more else compose(*ALL, *more)), Run(folder))
    train(experiment, list(more))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return run_all(tmp_path_factory.mktemp("whole") / "run")


def test_a_run_that_is_killed_anywhere_ends_as_if_it_were_not(tmp_path, whole):
    with snapshots(tmp_path / "killed", tmp_path / "copies") as taken:
        run_all(tmp_path / "killed" / "run")
    assert differences(whole, tmp_path / "killed" / "run") == []
    began = [(copy, operation) for copy, operation in taken.made if list(runs_below(copy))]
    assert all((copy / "run" / ".hydra" / "overrides.yaml").exists() for copy, _ in began)
    assert len(began) > 40, "an operation of each kind of file"
    for copy, operation in began[:: len(began) // STATES]:
        resume(copy / "run")
        assert differences(whole, copy / "run") == [], operation


def test_what_is_finished_is_left_alone(tmp_path, whole):
    copy = shutil.copytree(whole, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.name != ".lock"}
    for more in ((), ("trainer.max_iterations=6",), ("optimizer.lr=0.5",)):
        experiment = assemble(compose(*ALL, *more), Run(copy))
        assert finished(experiment) == train(experiment, list(more)) == Run(whole).summary
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.name != ".lock"} == before
    with refused("trainer.max_iterations"):
        resume(copy, "trainer.max_iterations=5")


def test_a_run_that_goes_on_has_one_result_and_every_point_once(tmp_path, whole):
    copy = shutil.copytree(whole, tmp_path / "run")
    for name in ("events.out.tfevents.9999999999.later.ganexp",):  # the clock was set back
        next(copy.glob("events.out.*")).rename(copy / name)
    resume(copy, "trainer.max_iterations=9")
    for tag, points in shown(copy).items():
        steps = [step for step, _ in points] if tag != "summaries" else []
        assert steps == sorted(set(steps)), tag
    assert [step for step, _ in shown(copy)["loss/d"]] == [2, 4, 6, 8, 9]
    assert [step for step, _ in shown(copy)["final/modes"]] == [9]


def torn(old: bytes) -> bytes:
    return old + b"1"  # of 123, cut off by a kill


@pytest.mark.parametrize(
    ("files", "warns"),
    [
        ({"metrics.csv": torn, "samples/mine.png": lambda _: b"mine", "events.out.tfevents.mine": lambda _: b"mine"}, []),
        ({"metrics.csv": lambda _: b"", "samples/00000003.png": lambda old: old[:50]}, ["metrics.csv", "00000003.png"]),
        ({"metrics.csv": lambda old: old.replace(b"\n", b"\n\0", 2)}, ["metrics.csv"]),
    ],
)
def test_damaged_and_foreign_files_do_not_end_a_run(tmp_path, whole, files, warns):
    copy = shutil.copytree(whole, tmp_path / "run")
    for name, change in files.items():
        (copy / name).write_bytes(change((copy / name).read_bytes() if (copy / name).exists() else b""))
    damaged = {name: (copy / name).read_bytes() for name in files}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        resume(copy, "trainer.max_iterations=9")
    found = [str(warning.message) for warning in said if warning.category is RuntimeWarning]
    assert [any(name in message for name in warns) for message in found] == [True] * len(warns)
    assert Run(copy).summary.iteration == 9
    rows = [line.partition(",")[0] for line in (copy / "metrics.csv").read_text().splitlines()]
    assert rows[-2:] == ["8", "9"] and "1" not in rows
    assert all(name == "metrics.csv" or (copy / name).read_bytes() == content for name, content in damaged.items())


@pytest.mark.parametrize("name", ["checkpoints/last.ckpt", "metrics.csv", "final.png"])
def test_a_folder_in_the_way_is_refused_before_anything_is_done(tmp_path, whole, name):
    copy = shutil.copytree(whole, tmp_path / "run")
    (copy / name).unlink()
    (copy / name).mkdir()
    with refused("resume"):
        Run(copy).occupy()


def test_a_budget_of_time_finishes_the_run(ready):
    experiment = ready(*TINY_RING, "trainer.max_iterations=100000", "+trainer.max_time={seconds: 1}")
    summary = train(experiment, [])
    assert (summary.status, summary.exit_status) == ("finished", 0)
    assert "max_time" in summary.reason and 0 < summary.iteration == summary.total_iterations < 100000
    assert summary.measured["iteration"] == summary.iteration
    assert (experiment.run.path / "weights" / f"generator-{summary.iteration:08d}.pt").exists()
    again = ready(*TINY_RING, "trainer.max_iterations=100000", "+trainer.max_time={seconds: 1}")
    assert train(again, []) == summary
    with refused("trainer.max_time"):
        ready("+trainer.max_time=tomorrow", folder="other")
