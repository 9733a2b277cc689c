"""Paths of options: ~ is the home folder in every one."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from PIL import Image

import ganexp
from ganexp.comparison.program import Options as Compare
from ganexp.comparison.program import report
from ganexp.config.errors import ConfigError
from ganexp.config.paths import quote_paths, user_path
from ganexp.data import MNIST, Density, ImageFolder
from ganexp.evaluation.options import Options as Evaluate
from ganexp.evaluation.targets import find
from ganexp.metrics.extractors import Inception
from ganexp.runs.run import Run
from ganexp.sampling.options import Options as Sample
from ganexp.sampling.program import write
from ganexp.training.restore import restore


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, and a home folder elsewhere with an image, a file and something like a run."""
    home, here = tmp_path / "home", tmp_path / "here"
    (home / "images").mkdir(parents=True)
    Image.new("L", (8, 8), 200).save(home / "images/a.png")
    (home / "run/.hydra").mkdir(parents=True)
    (home / "run/.hydra/config.yaml").write_text("choices: {}\n")
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    yield home
    assert not list(here.iterdir())


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        work()
    return str(caught.value)


def test_every_option_that_names_a_file_expands_it(home: Path) -> None:
    assert ImageFolder("~/images").path == home / "images"
    assert Density("~/images/a.png").files == (home / "images/a.png",)
    assert MNIST("~/data").root == home / "data"
    assert f"{home}/weights.pth" in refusal(lambda: Inception("~/weights.pth").check(MNIST()))
    assert Run("~/outputs/name/run").path == home / "outputs/name/run"
    assert Run.open("~/run").path == home / "run"
    assert [target.path for target in find(Evaluate("~/r*"))] == [str(home / "run")]
    assert f"{home}/run" not in refusal(lambda: restore("~/run"))  # it is found, and has no checkpoint
    assert f"{home}/images" in refusal(lambda: report(Compare(["~/images"])))
    assert str(home) in refusal(lambda: report(Compare(["~/run"], output="~/page.txt")))
    assert f"{home}/images" in refusal(lambda: write(Sample("~/run", output="~/images/a.png")))


def test_what_is_no_home_stays_as_it_is(home: Path) -> None:
    assert user_path("~nobody-has-this-name/x") == Path("~nobody-has-this-name/x")
    assert user_path("a/~/b") == Path("a/~/b") and user_path("~") == home


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("data.path=~/pictures", "data.path='~/pictures'"),
        ("output_dir=~", "output_dir='~'"),
        ("data.path=a~b", "data.path='a~b'"),
        ("data.path=~/a,~/b,c", "data.path='~/a','~/b',c"),
        ("+x=[~/a,b]", "+x=['~/a',b]"),
        *((same, same) for same in ("~seed", "~data.path=x", "data.path='~/a b'", "a=b,c", "--multirun")),
    ],
)
def test_a_home_folder_can_be_typed_without_quotes(typed: str, read: str, home: Path) -> None:
    assert quote_paths(typed) == read
    assert quote_paths("--config-dir=~/mine") == f"--config-dir={home}/mine"
    parsed = [override.value() for override in OverridesParser.create().parse_overrides([read] if "=" in read else [])]
    assert len(parsed) == ("=" in read)


def test_there_is_one_place_that_does_so() -> None:
    package = Path(inspect.getfile(ganexp)).parent
    found = [file for file in package.rglob("*.py") if re.search(r"expanduser\(", file.read_text())]
    assert [file.name for file in found] == ["paths.py"]
