"""A run folder that somebody sent runs no code of theirs, whatever is done with it."""

import shutil
import sys
from pathlib import Path

import pytest

from ganexp.evaluate.__main__ import main as evaluate
from ganexp.runs import saved
from ganexp.runs.run import Run
from ganexp.sample.__main__ import main as sample
from support.program import Program
from support.tiny import TINY_RING

# What was reached through a configuration, with what would show that it was.
EVIL = [
    {"_target_": "os.system", "command": "touch reached"},
    {"_target_": "builtins.open", "file": "reached", "mode": "w"},
    {"_target_": "pathlib.Path.write_text", "_args_": [{"_target_": "pathlib.Path", "_args_": ["reached"]}, "x"]},
    {"_target_": "logging.FileHandler", "filename": "reached"},
    {"_target_": "shutil.copyfile", "src": "/etc/hostname", "dst": "reached"},
    {"_target_": "setuptools._distutils.spawn.spawn", "cmd": ["touch", "reached"]},
    {"_target_": "ganexp.runs.files.write_atomically", "path": "reached", "text": "x"},
    {"_target_": "ganexp.training.train.os.system", "command": "touch reached"},
    {"_target_": "evil.Evil"},
]
PLACES = {
    "data": lambda config, node: config.update(data=node),
    "network": lambda config, node: config["network"].update(generator=node),
    "schedule": lambda config, node: config["schedule"].update(ema_images=node),
    "model": lambda config, node: config["model"].update(_args_=[node]),
}


@pytest.fixture
def sent(shared_run, tmp_path, monkeypatch):
    """Return a run in the working folder, beside a module of whoever made it."""
    shutil.copytree(shared_run(*TINY_RING), tmp_path / "run")
    (tmp_path / "evil.py").write_text("open('reached', 'w')\nclass Evil: ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Run(tmp_path / "run")
    sys.modules.pop("evil", None)


def change(run: Run, change) -> None:
    config = saved.read(run.path)
    change(config)
    (run.path / saved.CONFIG).write_text(saved.dump(config))


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


@pytest.fixture(params=[(sample, "run=run"), (evaluate, "run=run", "metrics=points", "samples=10")], ids=["sample", "evaluate"])
def refuse(request, monkeypatch, capsys):
    """Return a function that expects a refusal and no new file; it returns what was said."""
    main, *arguments = request.param

    def expect(*more: str) -> str:
        before = files()
        message = Program(main, monkeypatch, capsys).refuse(*arguments, *more)
        assert files() == before and "evil" not in sys.modules
        return message

    return expect


@pytest.mark.parametrize("node", EVIL, ids=lambda node: node["_target_"])
def test_what_a_foreign_run_names_is_refused_by_its_name_before_it_is_imported(sent, refuse, node):
    good = (sent.path / saved.CONFIG).read_bytes()
    for place, put in PLACES.items():
        change(sent, lambda config, put=put: put(config, node))
        message = refuse()
        assert message.startswith(place) and node["_target_"] in message and "trust=" in message
        (sent.path / saved.CONFIG).write_bytes(good)


def test_what_needs_nothing_foreign_works_and_builds_nothing_foreign(sent, monkeypatch, capsys):
    unneeded = ("loss", "penalty", "augmentation", "lr_schedule", "d_optimizer", "callbacks", "logger")
    change(sent, lambda config: config.update(dict.fromkeys(unneeded, EVIL[-1])))
    Program(sample, monkeypatch, capsys)("run=run", "n=4")
    assert "evil" not in sys.modules and not Path("reached").exists()


def test_what_is_trusted_is_built(sent, monkeypatch, capsys):
    Path("mine.py").write_text("from ganexp.data import Ring\nclass Mine(Ring): ...\n")
    change(sent, lambda config: config["data"].update(_target_="mine.Mine"))
    program = Program(sample, monkeypatch, capsys)
    assert "trust=[mine]" in program.refuse("run=run")
    for number, trust in enumerate(("true", "mine", "[other,mine.Mine]")):
        program("run=run", f"trust={trust}", f"seed={number}")
    Path("mine.py").unlink()
    sys.modules.pop("mine")
    assert "mine.py" in program.refuse("run=run", "trust=mine", "seed=9")


def test_variables_of_the_environment_are_asked_for_only_by_who_is_trusted(sent, refuse, monkeypatch):
    monkeypatch.setenv("PASSWORD", "secret")
    change(sent, lambda config: config["data"].update(size="${oc.env:PASSWORD}"))
    assert "secret" not in refuse()
    change(sent, lambda config: config["data"].update(size="${ganexp.unless:null,'\\${oc.env:PASSWORD}'}"))
    assert "secret" not in refuse()
