"""The report of runs, through the command line: what it prints, and what it writes."""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ganexp.comparison.program import Options, main, report
from ganexp.config.compose import compose
from ganexp.config.errors import ConfigError
from ganexp.runs.locks import hold
from ganexp.runs.run import Run
from ganexp.training.experiment import assemble
from ganexp.training.train import train
from support.made_runs import PROTOCOL, make_curves, make_evaluation, make_record, make_run, summary
from support.tiny import TINY, TINY_RING


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a sweep of two losses on two seeds, of which one job was refused, one killed and one is running."""
    sweep = tmp_path_factory.mktemp("made") / "sweep"
    for loss, qualities in {"hinge": (0.8, 0.9), "r3gan": (0.5, 0.4)}.items():
        for seed, quality in enumerate(qualities):
            run = make_run(sweep, f"loss={loss}", f"seed={seed}", content=summary(quality))
            make_record(sweep, run.name, "finished")
            make_curves(run, [{"iteration": i, "loss/d": i / 10, "metrics/quality": quality} for i in range(0, 101, 50)])
            Image.new("RGB", (8, 8)).save(run / "final.png")
    make_record(sweep, "loss=wgan_gp,seed=0", "refused", reason="</script> not like this")
    make_record(sweep, "loss=hinge,seed=2", "killed", reason="by SIGKILL")
    (sweep / "jobs" / "loss=hinge,seed=2.log").write_text("the last words\n")
    run = make_run(sweep, "loss=r3gan", "seed=2")
    make_curves(run, [{"iteration": 7, "loss/d": 0.7}])
    make_record(sweep, run.name, "running")
    return sweep


@pytest.fixture
def sweep(made, tmp_path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copytree(made, tmp_path / "sweep"))


@pytest.fixture
def compare(monkeypatch, capsys):
    """Return a function that runs the command line and returns what it printed and what it reported."""
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)

    def run(*arguments: object, status: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == status, printed.err
        return printed.out, printed.err

    return run


def test_a_sweep_is_ranked_printed_and_written(sweep, compare):
    with hold(sweep / "jobs" / "loss=r3gan,seed=2.lock"):
        out, err = compare(sweep)
    assert err == ""
    assert re.search(r"^1  hinge +0\.85 ± 0\.64 \(n = 2\)", out, re.MULTILINE)
    assert re.search(r"^2  r3gan +0\.45 ± 0\.64 \(n = 2\)", out, re.MULTILINE)
    assert "killed  loss=hinge,seed=2: by SIGKILL" in out
    assert "- hinge has the highest quality: 0.85 [" in out
    assert "- of 7 runs these did not finish: 1 refused, 1 killed\n- 1 of 7 runs is still running" in out
    assert out.endswith(f"\n{sweep / 'report.html'}\n{sweep / 'report.csv'}\n")
    rows = list(csv.DictReader((sweep / "report.csv").read_text().splitlines()))
    assert [row["status"] for row in rows].count("finished") == 4
    assert {row["group/rank"] for row in rows if row["loss"] == "hinge"} == {"1"}


def test_the_page_gets_all_that_is_known(sweep, monkeypatch):
    monkeypatch.chdir(sweep.parent)
    with hold(sweep / "jobs" / "loss=r3gan,seed=2.lock"):
        data = report(Options(["sweep"])).content
    assert (data["title"], data["folder"]) == ("loss, seed on ring", "sweep")
    assert data["commands"] == ["python -m ganexp -m loss=hinge,r3gan"]
    assert data["report_command"] == "python -m ganexp.compare sweep"
    assert data["tensorboard"] == "tensorboard --logdir sweep"
    assert data["parameters"] == [
        {
            "key": "loss",
            "label": "loss",
            "values": ["hinge", "r3gan", "wgan_gp"],
            "numeric": False,
            "log": False,
            "choice": True,
        }
    ]
    assert data["metrics"] == [
        {"name": "quality", "goal": "max"}, {"name": "distance", "goal": "min"}, {"name": "loss/d", "goal": None},
    ]  # fmt: skip
    runs = {run["name"]: run for run in data["runs"]}
    assert [run["id"] for run in data["runs"]] == list(range(7))
    done, gone, refused, busy = (
        runs[name] for name in ("loss=hinge,seed=0", "loss=hinge,seed=2", "loss=wgan_gp,seed=0", "loss=r3gan,seed=2")
    )
    assert (done["group"], done["table"], done["seed"], done["status"], done["reason"]) == ("hinge", 0, 0, "finished", None)
    assert done["final"] == {"quality": 0.8, "distance": pytest.approx(0.2), "loss/d": 1.0}
    assert (done["best_iteration"], done["command"], done["resume"], done["log"]) == (
        90, "python -m ganexp loss=hinge seed=0", None, None,
    )  # fmt: skip
    assert done["picture"].startswith("data:image/png;base64,")
    assert done["latents"] == runs["loss=r3gan,seed=1"]["latents"]
    assert (gone["status"], gone["table"], gone["final"], gone["log"], gone["resume"]) == (
        "killed",
        0,
        {},
        "the last words",
        None,
    )
    assert (refused["group"], refused["table"], refused["reason"]) == ("wgan_gp", None, "</script> not like this")
    assert (busy["status"], busy["iteration"], busy["total_iterations"], busy["resume"]) == ("running", 7, 28000, None)
    assert [data["runs"][entry["run"]]["status"] for entry in data["failures"]] == ["killed", "refused"]
    assert list(data["curves"])[:2] == ["metrics/quality", "loss/d"]
    assert data["curves"]["loss/d"][str(done["id"])] == {"x": [0, 50, 100], "y": [0.0, 5.0, 10.0]}
    assert str(busy["id"]) in data["curves"]["loss/d"]


def test_options_say_by_what_and_where(sweep, tmp_path, compare):
    out, _ = compare(sweep, "by=distance", "on=best", f"output={tmp_path / 'new' / 'page.html'}")
    assert "hinge has the lowest distance of the best state" in out
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["page.csv", "page.html"]
    assert not (sweep / "report.html").exists()
    again = f"{sweep} by=distance on=best output={tmp_path / 'new' / 'page.html'}"
    assert f"python -m ganexp.compare {again}<" in (tmp_path / "new" / "page.html").read_text()


def test_runs_are_ranked_by_what_was_measured_of_them_after_training(sweep, compare):
    for run in sweep.glob("loss=r3gan,seed=[01]"):
        make_evaluation(run / "evaluations" / "00000100-aa.json", 100, {**PROTOCOL, "samples": 10_000}, {"quality": 0.7})
    out, _ = compare(sweep, "numbers=evaluations")
    tables = {"10,000": r"^1  r3gan +0\.7 ± 0 \(n = 2\)", "2,500": r"^1  hinge +0\.85 ± 0\.64 \(n = 2\)"}
    for samples, row in tables.items():
        (table,) = (part for part in out.split("\n\n") if f"{samples} samples" in part)
        assert re.search(row, table, re.MULTILINE)
    assert f"python -m ganexp.compare {sweep} numbers=evaluations<" in (sweep / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ([], "paths"),
        (["nowhere"], "paths"),
        (["sweep", "by=fid"], "by=fid"),
        (["sweep", "output=a.pdf"], "output=a.pdf"),
        (["sweep", "output=sweep/sweep.json/a.html"], "output=sweep/sweep.json/a.html"),
        (["sweep", "numbers=evaluations"], "numbers=evaluations"),
        (["sweep", "on=first"], "on=first"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(sweep, compare, monkeypatch, arguments, key):
    monkeypatch.chdir(sweep.parent)
    out, err = compare(*arguments, status=2)
    assert out == ""
    assert err.startswith(f"ganexp: {key}: ")
    assert err.count("\n") == 1
    assert not (sweep / "report.html").exists()


def test_single_runs_are_reported_in_the_folder_that_holds_them(sweep):
    runs = sorted(sweep.glob("loss=hinge*"))[:1]
    assert report(Options([str(runs[0])])).html == sweep / "report.html"
    with pytest.raises(ConfigError):
        report(Options([str(sweep / "jobs")]))


def test_damage_never_ends_a_report(sweep):
    names = ["loss=hinge,seed=0", "loss=hinge,seed=1", "loss=r3gan,seed=0", "loss=r3gan,seed=1"]
    (sweep / names[0] / "summary.json").write_text("{")
    (sweep / names[1] / "metrics.csv").write_text("nonsense\n")
    (sweep / "jobs" / f"{names[2]}.json").write_text("[]")
    (sweep / names[2] / "final.png").write_text("")
    (sweep / names[3] / ".hydra" / "config.yaml").write_text("a: [")
    (sweep / "sweep.json").write_text("")
    made = report(Options([str(sweep)]))
    runs = {run["name"]: run for run in made.content["runs"]}
    damaged = ["summary.json", "metrics.csv", f"jobs/{names[2]}.json", ".hydra/config.yaml"]
    reasons = [f"{file} is damaged" for file in damaged]
    assert [runs[name]["reason"].partition("; ")[0] for name in names] == reasons
    assert "sweep.json is damaged" in made.html.read_text()
    assert runs[names[2]]["picture"] is None
    assert runs[names[3]]["group"] == "r3gan"
    assert re.search(r"summary.json is damaged", made.text)


def test_only_failures_make_a_report_too(tmp_path):
    for seed in range(2):
        make_record(tmp_path, f"loss=hinge,seed={seed}", "refused", reason="no")
    made = report(Options([str(tmp_path)]))
    data = made.content
    assert (data["tables"], data["metrics"], data["curves"], len(data["failures"])) == ([], [], {}, 2)
    assert "refused  loss=hinge,seed=0: no" in made.text
    assert "- of 2 runs these did not finish: 2 refused" in made.text


def test_runs_that_were_measured_otherwise_are_not_ranked_together(tmp_path):
    for name, how in {"a": PROTOCOL, "b": PROTOCOL | {"samples": 1000}}.items():
        make_run(tmp_path, "loss=hinge", name=name, content=summary(measured=how))
    made = report(Options([str(tmp_path)]))
    assert made.text.startswith(
        "These were not measured in the same way; do not compare numbers of different tables.\n\nsamples 2500"
    )
    assert [run["table"] for run in made.content["runs"]] == [0, 1]


def test_nothing_heavy_is_imported_for_runs_that_say_their_goals(sweep):
    code = (
        "import sys; from ganexp.comparison.program import Options, report; report(Options(sys.argv[1:])); "
        "sys.exit(bool({'torch', 'lightning', 'matplotlib', 'pandas', 'scipy.stats'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(sweep)], check=False).returncode == 0


@pytest.mark.slow
def test_trained_runs_are_compared(tmp_path, compare):
    few = ("callbacks.evaluation.times=2", "callbacks.evaluation.samples=64")
    for loss in ("hinge", "r3gan"):
        for seed in (0, 1):
            overrides = [*TINY, *TINY_RING, *few, f"loss={loss}", f"seed={seed}"]
            run = Run(tmp_path / f"loss={loss},seed={seed}")
            train(assemble(compose(*overrides), run), overrides)
    out, _ = compare(tmp_path)
    assert len(re.findall(r"^[12]  (?:hinge|r3gan) +\S+ ± \S+ \(n = 2\)", out, re.MULTILINE)) == 2
    data = report(Options([str(tmp_path)])).content
    assert data["tables"][0]["by"] == "coverage"
    assert {metric["name"]: metric["goal"] for metric in data["metrics"]}["mode_kl"] == "min"
    assert data["failures"] == []
    assert all(run["picture"] and run["latents"] for run in data["runs"])
    assert len(data["curves"]["metrics/modes"]) == 4
