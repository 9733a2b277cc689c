"""README tells the truth: its examples run as they stand, and its table names what there is."""

import re
import sys
from pathlib import Path

import pytest

from ganexp.__main__ import main
from ganexp.config.compose import directory

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that README shows."""
    place = tmp_path_factory.mktemp("readme")
    for language, block in re.findall(r"```(python|yaml)\n(.*?)```", README.read_text(), re.DOTALL):
        (name,) = re.findall(r"^# (\S+\.(?:py|yaml))$", block, re.MULTILINE)
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as file:  # several examples share mine.py
            file.write(block)
        assert path.suffix == {"python": ".py", "yaml": ".yaml"}[language]
    return place


def commands() -> list[str]:
    return re.findall(r"^python -m ganexp (--config-dir my_conf .*)$", README.read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", commands())
def test_extensions_run_as_shown(folder, monkeypatch, capsys, command):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)  # as python -m does
    monkeypatch.setattr(sys, "argv", ["ganexp", *command.split(), "trainer.max_iterations=2", "callbacks.samples.times=1"])
    main()
    assert "finished at iteration 2 of 2" in capsys.readouterr().out


def test_every_kind_of_extension_is_run():
    assert len(commands()) >= 4


def test_the_table_names_every_choice():
    table = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", README.read_text(), re.MULTILINE))
    groups = "model network loss penalty optimizer lr_schedule data metrics extractor logger accelerator"
    for group in groups.split():
        named = set(re.findall(r"`(\w+)`", table[group].split(";")[0]))
        assert named >= {path.stem for path in (directory() / group).glob("*.yaml")}, group


@pytest.mark.parametrize("preset", sorted((directory() / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_presets_say_what_to_expect_of_them(preset):
    text = preset.read_text()
    assert f"# Command: python -m ganexp experiment={preset.stem}\n" in text
    assert re.search(r"^# Expected: \w", text, re.MULTILINE) and re.search(r"^# Time: \d", text, re.MULTILINE)
    assert f"`{preset.stem}`" in README.read_text()


def test_the_pictures_that_are_shown_are_there():
    for page in (README, README.parent / "docs/systems.md"):
        shown = re.findall(r'<img src="(.*?)"', page.read_text())
        assert shown and all((page.parent / picture).is_file() for picture in shown)
