"""Options of programs as key=value: read, checked, described."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from ganexp.config.errors import ConfigError
from ganexp.config.options import POSITIONAL, command, describe, read
from ganexp.config.types import PositiveInt
from support.refused import refused


@dataclass
class Options:
    """Do a thing.

    Arguments:
        run: Where from, and this text
            goes on.
        count: How many.
        way: one or other.
        parts: Some numbers.
        data: Anything.
    """

    run: str
    count: PositiveInt = 3
    way: Literal["one", "other"] = "one"
    parts: list[int] | None = None
    data: dict[str, Any] = field(default_factory=dict)


def test_values_are_of_the_types_that_they_look_like():
    assert read(["run=a"], Options) == Options("a")
    assert read(["run=a/b,c=d", "count=4", "way=other", "parts=[1,2]"], Options) == Options("a/b,c=d", 4, "other", [1, 2])


@dataclass
class Named:
    """Find by name."""

    names: str | list[str] | None = "unset"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *((text, text) for text in ("1", "007", "1e3", "0x10", "1_000", "no", "True", "~", "2024-01-01", "12:30", ".5", "猫")),
        ("", ""),
        ("null", None),
        ("'null'", "null"),
        ("[1,no,null,1.50]", ["1", "no", "null", "1.50"]),
        ("['a,b',\"c\"]", ["a,b", "c"]),
        ("[]", []),
    ],
)
def test_text_stays_text_whatever_it_looks_like(typed, meant):
    assert read([f"names={typed}"], Named) == Named(meant)


@dataclass
class Foldered(Options):
    """Do a thing with files of one's own."""

    config_dir: str | None = None


@pytest.mark.parametrize("flag", [["--config-dir", "a b=c"], ["--config-dir=a b=c"], ["-cd", "a b=c"], ["config_dir=a b=c"]])
def test_the_flag_for_a_folder_is_an_option_where_there_is_one(flag):
    assert read([*flag, "run=a"], Foldered) == read(["run=a", *flag], Foldered) == Foldered("a", config_dir="a b=c")
    if len(flag) == 2:
        with refused():
            read(["run=a", *flag], Options)


def test_the_last_value_counts_and_entries_gather():
    assert read(["run=a", "count=4", "count=5", "data.x=1", "data.y=b"], Options) == Options("a", 5, data={"x": 1, "y": "b"})


@pytest.mark.parametrize(
    ("arguments", "key", "suggests"),
    [
        (["count=4"], "run", ""),
        (["run=a", "count"], None, "'count'"),
        (["run=a", "=4"], None, "'=4'"),
        (["run=a", "--fast"], None, "'--fast'"),
        (["run=a", "coutn=4"], "coutn", "count=4"),
        (["run=a", "zzz=4"], "zzz", "run, count, way, parts, data"),
        (["run=a", "count=0"], "count", ""),
        (["run=a", "count=many"], "count", ""),
        (["run=a", "count=2.5"], "count", ""),
        (["run=a", "way=on"], "way", "'one' or 'other'"),
        (["run=a", "parts=[1,x]"], "parts[1]", ""),
        (["run=[a"], "run", ""),
        (["run=${nope}"], "run", "'nope'"),
        (["run=[a,b]"], "run", ""),
        (["run=a", "count.x=3"], "count", ""),
    ],
)
def test_what_is_wrong_is_refused_by_name(arguments, key, suggests):
    with refused(*([key] if key else [])) as caught:
        read(arguments, Options)
    assert suggests in str(caught.value)


def test_help_is_the_docstring_with_the_defaults():
    text = describe("python -m thing", Options)
    assert text.splitlines()[0] == "python -m thing option=value ..."
    assert "run=...     Where from, and this text goes on.\n" in text
    assert "parts=null  Some numbers.\n" in text


@dataclass
class Listing:
    """Do a thing to many.

    Arguments:
        paths: Which.
        count: How many.
    """

    paths: list[str] = field(metadata=POSITIONAL)
    count: PositiveInt = 3


def test_arguments_without_a_key_belong_to_the_positional_option(monkeypatch, tmp_path):
    assert read(["a", "count=4", "b/c=d,e=1"], Listing) == Listing(["a", "b/c=d,e=1"], 4)
    assert read(["paths=[a,b]"], Listing) == Listing(["a", "b"])
    assert describe("thing", Listing).splitlines()[0] == "thing paths ... option=value ..."
    assert "paths ...  Which.\n" in describe("thing", Listing)
    monkeypatch.chdir(tmp_path)
    with refused("loss"):
        read(["loss=hinge"], Listing)
    (tmp_path / "loss=hinge").mkdir()
    assert read(["loss=hinge", "loss=h*"], Listing) == Listing(["loss=hinge", "loss=h*"])
    with refused("loss"):
        read(["loss=r*"], Listing)


@pytest.mark.parametrize("arguments", [["--fast"], ["-m", "a"], ["=a"]])
def test_what_looks_like_a_flag_is_no_argument(arguments):
    with refused():
        read(arguments, Listing)


def test_a_positional_option_without_default_is_needed():
    with refused("paths"):
        read(["count=4"], Listing)


def refuse(options):
    raise ConfigError("not like\nthis", "count", hint="or that")


def test_a_refusal_is_one_line(monkeypatch, capsys):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr(sys, "argv", ["thing", "run=a", "count=4"])
    assert command("thing", Options, refuse) == 2
    assert capsys.readouterr().err == "ganexp: count=4: not like this (or that)\n"


def test_a_reader_who_has_seen_enough_is_no_error():
    code = "import sys; from ganexp.config.options import command; from config.test_options import Options\n"
    code += "sys.exit(command('thing', Options, lambda options: print('x' * 1_000_000, flush=True)))"
    command = [sys.executable, "-c", code, "run=a"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0, "the work is done"


def test_the_traceback_is_there_for_whoever_asks(monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(sys, "argv", ["thing", "run=a"])
    with pytest.raises(ConfigError, match="not like"):
        command("thing", Options, refuse)


def test_a_failure_is_no_refusal(monkeypatch):
    def fail(options):
        raise ValueError("a mistake of the program")

    monkeypatch.setattr(sys, "argv", ["thing", "run=a"])
    with pytest.raises(ValueError, match="a mistake"):
        command("thing", Options, fail)


def test_ends_quietly_when_interrupted_and_with_0_when_done(monkeypatch, capsys):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["thing", "run=a"])
    assert command("thing", Options, interrupt) == 128 + signal.SIGINT
    assert command("thing", Options, lambda options: None) == 0
    assert capsys.readouterr() == ("", "")
