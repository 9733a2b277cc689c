"""Run directories: made exclusively, found again."""

import os
from pathlib import Path

import pytest

from ganexp.config.errors import ConfigError
from ganexp.runs.files import remove_empty, write_atomically
from ganexp.runs.run import Run
from support.made_runs import summary
from support.refused import refused

CONFIG = {"seed": 1, "choices": {"loss": "hinge"}}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "outputs" / "name" / "one")
    made.create(CONFIG, ["seed=1"])
    return made


def test_constructing_touches_nothing(tmp_path):
    run = Run(tmp_path / "a" / "b")
    assert not run.exists and run.checkpoints == [] and run.summary is None
    run.check_new()
    assert list(tmp_path.iterdir()) == []


def test_keeps_what_it_was_made_of(run):
    assert run.exists and run.config == CONFIG and run.overrides == ["seed=1"]
    run.save_config(CONFIG | {"seed": 2}, ["seed=1", "seed=2"])
    assert run.config["seed"] == 2 and run.overrides == ["seed=1", "seed=2"]
    run.write_summary(summary())
    assert run.summary == summary()


def test_a_directory_is_made_once(run):
    for again in (run.check_new, lambda: run.create(CONFIG, [])):
        with pytest.raises(ConfigError, match="exists already") as caught:
            again()
        assert caught.value.keys == ("output_dir",)
    assert run.config == CONFIG


def test_a_file_in_the_way_is_named_and_kept(tmp_path):
    (tmp_path / "file").write_text("mine")
    run = Run(tmp_path / "file" / "name" / "one")
    for attempt in (run.check_new, lambda: run.create(CONFIG, [])):
        with pytest.raises(ConfigError, match="file is not a folder"):
            attempt()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match="cannot be written"):
        Run(tmp_path / "one").check_new()


def test_a_directory_that_cannot_be_filled_is_removed(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "save_config", fail)
    with pytest.raises(ConfigError, match="No space left on device"):
        Run(tmp_path / "outputs" / "name" / "one").create(CONFIG, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inside", ["", "summary.json", "checkpoints/last.ckpt", ".hydra"])
def test_is_found_by_what_is_inside(run, inside):
    assert Run.open(run.path / inside).path == run.path


def test_is_found_relative_to_the_working_directory(run, monkeypatch):
    monkeypatch.chdir(run.path.parent)
    assert Run.open("one").path == run.path


@pytest.mark.parametrize(
    ("path", "suggests"),
    [("", "<name>"), ("nowhere", "<name>"), ("outputs", "<name>"), ("outputs/name/two", "outputs/name/one")],
)
def test_what_is_no_run_is_refused(run, monkeypatch, path, suggests):
    monkeypatch.chdir(run.path.parents[2])
    with refused("resume") as caught:
        Run.open(path)
    assert suggests in str(caught.value)


@pytest.mark.parametrize("content", ["", "a: [", "a: 1", "[]"])
def test_a_damaged_configuration_is_refused(run, content):
    (run.path / ".hydra" / "config.yaml").write_text(content)
    with pytest.raises(ConfigError, match="config.yaml is damaged"):
        Run.open(run.path)


def test_checkpoints_come_newest_first(run):
    folder = run.path / "checkpoints"
    folder.mkdir()
    for name in ("previous.ckpt", "last.ckpt", "best.ckpt", "00000009.ckpt", ".last.ckpt.123"):
        (folder / name).touch()
    assert run.checkpoints == [folder / "last.ckpt", folder / "previous.ckpt", folder / "best.ckpt"]


def test_folders_with_something_in_them_stay(tmp_path):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    remove_empty(deep)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]


def test_writing_leaves_no_other_file(tmp_path):
    for text in ("old", "new"):
        write_atomically(tmp_path / "file", text)
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", text)]
