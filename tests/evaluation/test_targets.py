"""Names of runs, in a folder with runs that are nothing but names."""

from pathlib import Path

import pytest

from ganexp.evaluation.options import Options
from ganexp.evaluation.targets import find
from support.refused import refused


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sweep/one", "sweep/two", "a=[1,2]", "model=gan,loss=hinge"):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / ".hydra" / "config.yaml").touch()
        (tmp_path / name / "checkpoints").mkdir()
        (tmp_path / name / "checkpoints" / "last.ckpt").touch()


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("sweep", ["sweep/one", "sweep/two"]),
        ("sweep/*", ["sweep/one", "sweep/two"]),
        ("s*/t*", ["sweep/two"]),
        (["sweep/two", "sweep", "sweep/../sweep/two"], ["sweep/two", "sweep/one"]),
        ("sweep/one/checkpoints/l*.ckpt", ["sweep/one/checkpoints/last.ckpt"]),
        ("sweep/one/checkpoints", ["sweep/one/checkpoints"]),
        ("a=[1,2]", ["a=[1,2]"]),
        (["model=gan,loss=hinge", "a=[1,2]"], ["model=gan,loss=hinge", "a=[1,2]"]),
        ("nowhere", ["nowhere"]),
    ],
)
def test_runs_are_named_one_by_one_by_folder_or_by_pattern(named: str | list[str], found: list[str]) -> None:
    targets = find(Options(run=named))
    assert [Path(target.path).resolve() for target in targets] == [Path(name).resolve() for name in found]
    assert {target.checkpoint for target in targets} == {"last"}


def test_both_checkpoints_follow_each_other() -> None:
    assert [str(target) for target in find(Options(run="sweep/one", checkpoint="both"))] == ["sweep/one", "sweep/one (best)"]


@pytest.mark.parametrize("run", ["nowhere/*", "sweep/one/*.csv", [], ["model=gan", "loss=hinge"]])
def test_what_names_no_run_is_refused(run: str | list[str]) -> None:
    with refused("run"):
        find(Options(run=run))


def test_a_checkpoint_has_no_best_one() -> None:
    with refused("checkpoint", "run"):
        find(Options(run="sweep/one/checkpoints/last.ckpt", checkpoint="best"))
