"""Wrong command lines: one clear message, exit status 2, and nothing left behind."""

import os
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision

import ganexp
from ganexp.__main__ import main
from ganexp.config.compose import directory
from ganexp.config.errors import ConfigError
from ganexp.config.refusals import explain
from support.one_message import SHORT, message
from support.tiny import TINY_RING
from support.wrong import WRONG


def rest_of(line: str) -> list[str]:
    """Return the options that make a short run, without those that a command line sets itself."""
    return [option for option in SHORT if option.partition("=")[0].rpartition(".")[2] not in line]


@pytest.mark.parametrize(("line", "start", "suggests"), WRONG, ids=[line for line, _, _ in WRONG])
def test_is_reported_in_one_message_and_leaves_nothing(refused, monkeypatch, tmp_path, line, start, suggests):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    # Every command would run if it were not for what is wrong with it.
    told = refused(*shlex.split(line), *rest_of(line))
    assert told.startswith(start)
    assert suggests in told.removeprefix(start)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "start", "suggests"),
    [
        ("--seed 1", "--seed: ", "seed=1"),
        ("--seed=1", "--seed=1: ", "seed=1"),
        ("--foo", "--foo: ", "foo="),
        ("--resolve", "--resolve: ", "--cfg job --resolve"),
        ("--cfg", "--cfg/-c: ", ""),
        ("--info x", "--info/-i: ", "defaults"),
        ("--experimental-rerun x", "--experimental-rerun: ", "repeat="),
    ],
)
def test_a_flag_that_does_not_exist_or_apply(refused, tmp_path, line, start, suggests):
    told = refused(*line.split())
    assert told.startswith(start) and suggests in told
    assert list(tmp_path.iterdir()) == []


def test_overrides_stand_before_flags_and_after_them(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ganexp", "seed=3", "--cfg", "job", "name=mine"])
    main()
    printed = capsys.readouterr().out
    assert "seed: 3" in printed and "name: mine" in printed


def test_the_version_is_that_of_this_package(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ganexp", "--version"])
    main()
    assert capsys.readouterr().out == f"ganexp {ganexp.__version__}\n"


OWN = {
    "tab": (b"a:\n\tb: 1\n", "line 2: "),
    "quote": (b'a: "open\n', "line 2: "),
    "twice": (b"a: 1\na: 2\n", "line 2: "),
    "latin": (b"name: caf\xe9\n", "UTF-8"),
    "mark": (b"\xef\xbb\xbf# @package _global_\nseed: 3\n", "byte order mark"),
    "wide": ("seed: 3".encode("utf-16"), "UTF-8"),
    "list": (b"- a\n- b\n", "list"),
    "text": (b"hinge\n", "not text"),
    "open": (b"lr: ${foo\n", "cannot be read"),
    "itself": (b"a: &x [*x]\n", "cannot be read"),
}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("group", ["experiment", "loss"])
def test_a_file_of_the_users_own_that_cannot_be_read_is_named(refused, tmp_path, name, group):
    content, says = OWN[name]
    path = tmp_path / "mine" / group / "own.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    told = refused(f"{group}=own", "--config-dir", "mine", *SHORT)
    assert told.startswith(f"{path}: ") and says in told
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_windows_line_ends_are_read(monkeypatch, tmp_path, capsys):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_bytes(b"# @package _global_\r\nseed: 3\r\n")
    monkeypatch.setattr(sys, "argv", ["ganexp", "experiment=own", "--config-dir", str(tmp_path), "--cfg", "job"])
    main()
    assert "seed: 3\n" in capsys.readouterr().out


def test_hints_know_the_users_own_files(refused, tmp_path):
    for name, group in (("twin_moons", "data"), ("soft", "loss")):
        (tmp_path / "mine" / group).mkdir(parents=True)
        (tmp_path / "mine" / group / f"{name}.yaml").write_text("_target_: nowhere.Thing\nsharpness: 1\n")
    assert "choices: " in (told := refused("data=null", "--config-dir", "mine")) and "twin_moons" in told
    assert "loss=soft" in refused("loss=sofd", "--config-dir", "mine")
    assert "data.sharpness=2" in refused("data=twin_moons", "data.sharpnes=2", "--config-dir", "mine")


def test_data_that_cannot_be_downloaded(refused, monkeypatch, tmp_path):
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    told = refused("data=mnist", "model=gan", "data.root=here", *SHORT)
    assert told.startswith("data=mnist data.root=here: ")
    assert "data.root=FOLDER" in told and "data=digits" in told
    assert list(tmp_path.iterdir()) == []


def test_damaged_data(refused, tmp_path):
    raw = tmp_path / "here" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, 2, 28, 28) + bytes(2 * 784))
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 2) + bytes(2))
    with (raw / "train-images-idx3-ubyte").open("ab") as file:
        file.truncate(1000)
    told = refused("data=mnist", "model=gan", "data.root=here", *SHORT)
    assert told.startswith("data=mnist data.root=here: ")
    assert "MNIST/raw" in told
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_an_output_that_is_a_file(refused, tmp_path):
    (tmp_path / "outputs").write_text("mine")
    told = refused(*SHORT, *TINY_RING)
    assert told.startswith("output_dir=outputs: ") and str(tmp_path / "outputs") in told
    assert (tmp_path / "outputs").read_text() == "mine"


def test_a_sweep_goes_on_without_a_refused_run(monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ganexp", "-m", "loss=hinge", "penalty=none", "schedule.d_steps=0,1", *SHORT, *TINY_RING])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    output = capfd.readouterr()
    assert "ganexp: schedule.d_steps=0: " in output.out
    assert "Traceback" not in output.out + output.err
    (summary,) = tmp_path.glob("outputs/sweeps/*/*/summary.json")
    assert {path.name for path in summary.parents[1].iterdir() if path.is_dir()} == {summary.parent.name, "jobs"}
    assert "refused" in output.out and "schedule.d_steps=0" in (summary.parents[1] / "report.csv").read_text()


def test_a_sweep_in_which_every_run_is_refused_leaves_nothing(monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ganexp", "-m", "schedule.d_steps=0,-1", *SHORT])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = capfd.readouterr().out
    assert "ganexp: schedule.d_steps=0: " in told and "ganexp: schedule.d_steps=-1: " in told
    assert list(tmp_path.iterdir()) == []


def test_a_reference_to_another_option_is_no_mistake(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ganexp", "name=of-${seed}", "model.latent_dim=${data.components}", *SHORT, *TINY_RING])
    main()
    assert list(tmp_path.glob("outputs/of-0/*/summary.json"))


# In processes of their own: what is imported, and what a shell sees.

SPY = """
import sys
from ganexp.__main__ import main
try:
    main()
finally:
    print([package for package in ("torch", "lightning") if package in sys.modules])
"""


def process(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess:
    variables = {key: value for key, value in os.environ.items() if key not in ("HYDRA_FULL_ERROR", "GANEXP_TERSE")}
    variables |= {"PYTHONPATH": str(directory().parent), **environment}
    return subprocess.run([sys.executable, *command], cwd=folder, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        ("loss=hinje", []),
        ("output_dir=/dev/null", []),
        ("loss=wgan_gp network.discriminator.norm=batch", ["torch"]),
    ],
)
def test_imports_no_more_than_the_refusal_needs(tmp_path, line, imported):
    ended = process(tmp_path, "-c", SPY, *line.split(), *rest_of(line))
    assert ended.returncode == 2
    message(ended.stderr)
    assert ended.stdout.splitlines()[-1] == str(imported)
    assert list(tmp_path.iterdir()) == []


def test_module_is_the_command(tmp_path):
    ended = process(tmp_path, "-m", "ganexp", "model=dcgan", "data=ring", *SHORT)
    assert ended.returncode == 2
    assert message(ended.stderr).startswith("model=dcgan network=dcgan data=ring: ")
    assert ended.stdout == "" and list(tmp_path.iterdir()) == []


def test_the_traceback_is_there_for_whoever_asks(tmp_path):
    ended = process(tmp_path, "-m", "ganexp", "loss=hinje", HYDRA_FULL_ERROR="1")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr and "loss/hinje" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_of_a_key_that_was_given_twice_the_value_that_counts_is_told():
    assert explain(ConfigError("too many", "seed"), ["seed=1", "data=ring", "seed=2"]) == "ganexp: seed=2: too many"
