"""The verbs of the command line, and the lists of what there is."""

import sys

import pytest

import ganexp
from ganexp.__main__ import main
from ganexp.config.compose import directory
from ganexp.config.listing import choices, groups, text
from ganexp.verbs import translate
from support.program import Program
from support.refused import refused


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ([], []),
        (["data=grid", "-m"], ["data=grid", "-m"]),
        (["train"], []),
        (["train", "data=grid"], ["data=grid"]),
        (["sweep", "seed=1,2"], ["-m", "seed=1,2"]),
        (["resume", "a/b=c", "seed=1"], ["resume=a/b=c", "seed=1"]),
        (["resume", "resume=a"], ["resume=a"]),
        (["repeat", "a", "seed=1"], ["repeat=a", "seed=1"]),
    ],
)
def test_a_verb_is_another_way_to_write_a_command(typed, meant):
    assert translate(typed) == meant


@pytest.mark.parametrize("verb", ["sample", "evaluate", "compare"])
def test_programs_are_verbs(verb, monkeypatch, capsys):
    program = Program(main, monkeypatch, capsys)
    assert program(verb, "--help")[0].startswith(f"python -m ganexp.{verb} ")
    assert program.refuse(verb, "nonsense=1")


@pytest.mark.parametrize(
    "line",
    [["resume"], ["repeat"], *(["list", *rest] for rest in (["los"], ["loss", "hinje"], ["loss=hinge"], "abc")), ["trian"]],
)
def test_what_no_verb_can_do_is_refused(line, monkeypatch, capsys):
    assert Program(main, monkeypatch, capsys).refuse(*line)


def test_classes_are_found_in_the_working_folder_by_the_installed_command_too(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    (tmp_path / "conf/loss").mkdir(parents=True)
    (tmp_path / "conf/loss/lying.yaml").write_text("_target_: lying_here.Lying\n")
    (tmp_path / "lying_here.py").write_text("from ganexp.models.losses import Hinge\nclass Lying(Hinge): ...\n")
    monkeypatch.setattr(
        sys, "argv", ["ganexp", "train", "--config-dir=conf", "loss=lying", "data.size=256", "+trainer.fast_dev_run=true"]
    )
    main()
    assert "finished" in capsys.readouterr().out


def test_the_version_is_ganexps(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ganexp", "--version"])
    main()
    assert capsys.readouterr().out == f"ganexp {ganexp.__version__}\n"


def test_lists_show_every_choice_with_what_it_is(tmp_path):
    names = [path.name for path in directory().iterdir() if path.is_dir() and path.name != "hydra"]
    for group in names:
        lines = choices(group).splitlines()
        assert [line.split()[0] for line in lines] == sorted(path.stem for path in (directory() / group).glob("*.yaml"))
        assert all(len(line.split()) > 1 and len(line) <= 128 for line in lines), group
        assert f"\n{group} " in f"\n{groups()}"
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss/mine.yaml").write_text("# My own loss. It is new.\n_target_: mine.Loss\n")
    assert "mine" in groups(str(tmp_path)) and "My own loss\n" in f"{choices('loss', str(tmp_path))}\n"
    assert text("loss", "mine", str(tmp_path)).endswith("_target_: mine.Loss")
    with refused("--config-dir"):
        choices("loss", str(tmp_path / "nowhere"))
