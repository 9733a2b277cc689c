"""The documentation tells the truth: what it shows runs as it stands, and what it names is there.

Commands run with tiny sizes; those that need what is not here (downloads, a GPU, Slurm, other programs) are
composed, or checked for what they name. ``tests/support/documented.py`` says what an example is.
"""

import re
import shutil

import pytest

from ganexp.config.compose import directory
from support.documented import PAGES, ROOT, Section, sections
from support.shell import Shell
from support.tiny import TINY_IMAGES

SECTIONS = [section for page in PAGES for section in sections(page)]


@pytest.fixture(scope="module")
def run(shared_run, tmp_path_factory):
    """Return a run that commands may sample and measure, the only one in its folder."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    made = shared_run(
        "model=cgan", *TINY_IMAGES, "metrics=classes", "callbacks.checkpoints.every=1", "callbacks.evaluation.times=1"
    )
    return shutil.copytree(made, folder)


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys, run):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return Shell(tmp_path, monkeypatch, capsys, run)


@pytest.mark.parametrize("section", [section for section in SECTIONS if section.steps], ids=str)
def test_examples_run_as_shown(section: Section, shell):
    shell.write(section.files)
    for step in section.steps:
        shell(step)


@pytest.mark.parametrize("section", [section for section in SECTIONS if section.named], ids=str)
def test_commands_in_the_text_are_commands(section: Section, shell):
    shell.write(section.files)
    for words in section.named:
        shell(words, only_read=True)


def test_every_kind_of_extension_is_run():
    extensions = [section for section in sections(ROOT / "docs/extending.md") if section.files and section.steps]
    assert len(extensions) >= 12


def test_readme_names_what_there_is():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    named = {group: re.findall(r"`(\w+)`", text) for group, text in rows if (directory() / group).is_dir()}
    assert len(named) > 10
    for group, choices in named.items():
        assert set(choices) <= {path.stem for path in (directory() / group).glob("*.yaml")}, group


@pytest.mark.parametrize("preset", sorted((directory() / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_presets_say_what_to_expect_of_them(preset):
    text = preset.read_text()
    assert f"# Command: python -m ganexp experiment={preset.stem}\n" in text
    assert re.search(r"^# Expected: \w", text, re.MULTILINE) and re.search(r"^# Time: \d", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    named = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert [name for name in named if "://" not in name and not (page.parent / name).exists()] == []
