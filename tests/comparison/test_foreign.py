"""A comparison looks at what somebody sent, and gives nothing of this machine away."""

import base64
import os

import pytest
import yaml
from PIL import Image

from ganexp.comparison.program import Options, report
from ganexp.runs import saved
from support.made_runs import make_record, make_run, summary

SECRET = "a secret of this machine"
FILES = ["final.png", "metrics.csv", "summary.json", ".hydra/config.yaml", ".lock"]
LINKS = [*FILES, "samples", "evaluations", "jobs", "jobs/one.log"]
PIPES = [*FILES, "samples/00000001.png", "evaluations/a.json"]


@pytest.fixture
def sweep(tmp_path):
    """Return the folder of a sweep with one run, and the report of it as text."""
    folder = tmp_path / "sweep"
    make_run(folder, "data=ring", content=summary(), name="one")
    make_run(folder, "data=ring", "seed=1", content=summary(0.8), name="two")
    make_record(folder, "one", "failed")
    return folder


def shown(folder):
    made = report(Options([str(folder)], output=str(folder.parent / "report.html")))
    return "".join([made.text, made.html.read_text(), made.csv.read_text(), str(made.content)])


def put(path, make):
    """Put something in the place of a file or folder."""
    if path.is_dir():
        path.rename(path.with_name(f"{path.name}.before"))
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    make(path)


@pytest.mark.parametrize("name", LINKS)
def test_no_link_is_followed_out_of_a_run(sweep, name, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    for file in ("a.json", "one.log", "one.json"):
        (secret / file).write_text(f'"{SECRET}"\n')
    Image.new("RGB", (3, 3), "red").save(secret / "00000001.png")
    is_folder = name in ("samples", "jobs", "evaluations")
    base = sweep if name.startswith("jobs") else sweep / "one"
    source = secret if is_folder else secret / "00000001.png" if name == "final.png" else secret / "one.log"
    put(base / name, lambda path: path.symlink_to(source))
    text = shown(sweep)
    assert SECRET not in text and base64.b64encode((secret / "00000001.png").read_bytes()).decode() not in text
    assert (secret / "one.log").read_text() == f'"{SECRET}"\n'


@pytest.mark.parametrize("name", PIPES)
def test_no_pipe_is_waited_for(sweep, name):
    put(sweep / "one" / name, os.mkfifo)
    assert "two" in shown(sweep)


def test_no_variable_of_the_environment_is_shown(sweep, monkeypatch):
    monkeypatch.setenv("PASSWORD", SECRET)
    for name in ("one", "two"):
        config = yaml.safe_load((sweep / name / saved.CONFIG).read_text())
        config["data"] |= {"path": f"${{oc.env:PASSWORD}} of {name}", "root": "${data.path}"}
        config["choices"]["data"] = "${oc.env:PASSWORD}"
        (sweep / name / saved.CONFIG).write_text(yaml.safe_dump(config))
    text = shown(sweep)
    assert SECRET not in text and "oc.env:PASSWORD" in text
