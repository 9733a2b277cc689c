"""A run folder that somebody sent runs no code of theirs, whatever is done with it."""

import json
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ganexp.__main__ import main
from ganexp.evaluation.program import main as evaluate
from ganexp.runs import saved
from ganexp.runs.resumed import command
from ganexp.runs.run import Run
from ganexp.sampling.program import main as sample
from support.program import Program
from support.tiny import TINY, TINY_RING

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


COMMANDS = {
    "sample": (sample, "run=run"),
    "evaluate": (evaluate, "run=run", "metrics=points", "samples=10"),
    "resume": (main, "resume=run", "trainer.max_iterations=8"),
}


@pytest.fixture(params=COMMANDS.values(), ids=COMMANDS)
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


@pytest.mark.parametrize("name", ["checkpoints", "samples", "evaluations", "generated", "metrics.csv", ".hydra"])
def test_nothing_is_written_where_a_link_leads(sent, refuse, name):
    place = sent.path / name
    if place.exists():
        place.rename("elsewhere")
    else:
        Path("elsewhere").mkdir()
    place.symlink_to(Path("elsewhere").absolute())
    assert name in refuse()


def test_variables_of_the_environment_are_asked_for_only_by_who_is_trusted(sent, refuse, monkeypatch):
    monkeypatch.setenv("PASSWORD", "secret")
    change(sent, lambda config: config["data"].update(size="${oc.env:PASSWORD}"))
    assert "secret" not in refuse()
    change(sent, lambda config: config["data"].update(size="${ganexp.unless:null,'\\${oc.env:PASSWORD}'}"))
    assert "secret" not in refuse()


@pytest.mark.parametrize("section", ["loss", "penalty", "augmentation", "lr_schedule", "d_optimizer", "callbacks", "logger"])
def test_to_resume_a_run_builds_nothing_foreign_either(sent, section, monkeypatch, capsys):
    many = section in ("callbacks", "logger")
    for node in (EVIL[0], EVIL[-1]):
        change(sent, lambda config, node=node: config.update({section: {"x": node} if many else node}))
        before = files()
        message = Program(main, monkeypatch, capsys).refuse("resume=run", "trainer.max_iterations=8")
        assert message.startswith(section) and node["_target_"] in message
        assert files() == before and "evil" not in sys.modules


def test_hydra_is_told_nothing_by_a_foreign_run(sent, monkeypatch, capsys):
    told = {
        "hydra": {"callbacks": {"x": EVIL[0]}, "job_logging": {"version": 1, "handlers": {"x": {"()": "os.system"}}}},
        "defaults": ["override hydra/job_logging: default"],
    }
    for section, content in told.items():
        change(sent, lambda config, section=section, content=content: config.update({section: content}))
        Program(main, monkeypatch, capsys).refuse("resume=run")
        change_back = saved.parse(sent.path, saved.CONFIG)
        change_back.pop(section)
        (sent.path / saved.CONFIG).write_text(saved.dump(change_back))
    assert not Path("reached").exists()


@pytest.mark.parametrize("trust", [["trust=[support]"], ["trust=true"], ["+callbacks.y._target_=support.tiny.DumpWeights"], []])
def test_what_is_trusted_or_typed_is_resumed(sent, monkeypatch, capsys, trust):
    change(sent, lambda config: config["callbacks"].update(x={"_target_": "support.tiny.DumpWeights"}))
    program = Program(main, monkeypatch, capsys)
    if not trust:
        assert "trust=[support]" in program.refuse("resume=run", "trainer.max_iterations=8")
        return
    monkeypatch.setattr(sys, "argv", ["ganexp", "resume=run", "trainer.max_iterations=8", *trust])
    main()
    assert Path("run/rank0.pt").exists()


@pytest.mark.parametrize("trust", ["trust=3", "trust=[1]", "trust=[", "trust="])
def test_what_says_nothing_of_trust_is_refused(sent, monkeypatch, capsys, trust):
    assert Program(main, monkeypatch, capsys).refuse("resume=run", trust).startswith(trust)


@pytest.mark.parametrize("verb", ["resume", "repeat"])
def test_what_is_saved_is_not_trusted(sent, monkeypatch, capsys, verb):
    change(sent, lambda config: config.update(loss={"_target_": "evil.Evil"}))
    program, before = Program(main, monkeypatch, capsys), files()
    assert "trust=[evil]" in program.refuse(f"{verb}=run")
    change(sent, lambda config: config.update(defaults=["evil"]))
    assert "damaged" in program.refuse(f"{verb}=run", "trust=true")
    assert program.refuse("--config-path", "run/.hydra").endswith(f"(use repeat={sent.path})")
    assert files() == before


def test_trust_is_about_runs_that_are_saved(monkeypatch, capsys):
    assert Program(main, monkeypatch, capsys).refuse("data=ring", "trust=true").startswith("trust=true")


def test_commands_that_are_kept_and_printed_run_as_they_stand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("own.py").write_text("from ganexp.models.losses import Hinge\nclass Own(Hinge): ...\n")
    Path("my conf/loss").mkdir(parents=True)
    Path("my conf/loss/ours.yaml").write_text("_target_: own.Own\n")

    def run(*arguments: str) -> tuple[str, dict]:
        monkeypatch.setattr(sys, "argv", ["ganexp", *arguments])
        with suppress(SystemExit):
            main()
        (summary,) = Path("out").glob("*/*/summary.json")
        return capsys.readouterr().out, json.loads(summary.read_text())

    first = ("--config-dir", "my conf", *TINY, *TINY_RING, "loss=ours", "output_dir=out")
    _, summary = run(*first)
    words = shlex.split(summary["command"])
    assert words[:3] == ["python", "-m", "ganexp"] and "loss=ours" in words
    shutil.rmtree("out")
    _, again = run(*words[3:])
    assert again["metrics"] == summary["metrics"] and again["command"] == summary["command"]
    changes = ("seed=1", "output_dir=other")
    run(f"repeat={again['directory']}", "trust=[own]", *changes)
    (other,) = (json.loads(path.read_text()) for path in Path("other").glob("*/*/summary.json"))
    assert other["seed"] == 1 and shlex.split(other["command"]) == [*words, *changes]
    resume = shlex.split(command(Path(again["directory"])))
    _, further = run(*resume[3:], "trainer.max_iterations=8")
    assert further["iteration"] == 8
