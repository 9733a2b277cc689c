"""Measurements of trained runs, through the real command line."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from ganexp.comparison.program import Options, report
from ganexp.config.compose import compose_option
from ganexp.evaluation.program import main
from ganexp.runs.archive import write
from ganexp.runs.protocol import differences, digest
from ganexp.runs.run import Run
from ganexp.training.restore import restore
from support.program import Program, loaded, run_module
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING

QUICK = ("callbacks.evaluation.times=1", "callbacks.evaluation.samples=64", "callbacks.checkpoints.every=3")
EMA = ("schedule.ema_decay=0.5", "schedule.ema_warmup=false", "optimizer.lr=0.01")
IMAGES = (*TINY_IMAGES, *TINY_MLP, "network=mlp", *EMA, "metrics=none")
RUNS = {
    "sweep/one": (*TINY_RING, *EMA),
    "sweep/two": (*TINY_RING, *EMA, "seed=1"),
    "grid": (*TINY_RING[1:], "data=grid", "model=cgan", "network=mlp", "schedule.ema_decay=null"),
    "images": (*IMAGES, "model=cgan"),
    "semi": (*IMAGES, "model=ssgan", "model.labels=20"),
}


@pytest.fixture
def runs(shared_run, tmp_path, monkeypatch) -> Path:
    """Return the working directory, a folder with copies of trained runs."""
    for name, overrides in RUNS.items():
        shutil.copytree(shared_run(*overrides, *QUICK), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def evaluate(runs, monkeypatch, capsys) -> Program:
    return Program(main, monkeypatch, capsys)


POINTS = ("metrics=points", "samples=50")


def records(folder: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("evaluations/*.json"))]


def change(run: Path, edit) -> None:
    file = run / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    edit(config)
    file.write_text(yaml.safe_dump(config))


def rows(printed: str) -> dict[str, list[str]]:
    """Return the cells of the rows of runs, and of real samples, by their first cell."""
    lines = [re.split(r" {2,}", line) for line in printed.splitlines() if "  " in line]
    return {line[0]: line[1:] for line in lines}


# What is measured ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sweep/one", "grid"])
def test_gives_the_numbers_that_training_gave_by_the_same_protocol(evaluate, runs, name):
    summary = Run(runs / name).summary
    evaluate(f"run={name}", "metrics=run", "samples=64", "seed=1")
    (record,) = records(runs)
    assert differences(summary.measured, record["protocol"]) == []
    assert record["metrics"] == {name: summary.metrics[name] for name in record["metrics"]}
    assert (record["real"], record["iteration"]) == (summary.real, 6)


def test_keeps_what_it_measured_with_how_and_of_what_and_changes_nothing_else(evaluate, runs):
    def content():
        files = [path for path in sorted(runs.rglob("*")) if path.is_file() and path.parent.name != "evaluations"]
        return {path: path.read_bytes() for path in files}

    before, state = content(), torch.get_rng_state()
    printed, told = evaluate("run=sweep/one", "metrics=points", "samples=40", "seed=3")
    assert content() == before and torch.equal(torch.get_rng_state(), state)
    (file,) = (runs / "sweep" / "one" / "evaluations").iterdir()
    record = json.loads(file.read_text())
    assert file.name == f"00000006-{digest(record['protocol'])}.json"
    assert (record["run"], record["iteration"], record["checkpoint"]) == (str(runs / "sweep" / "one"), 6, "last.ckpt")
    protocol = record["protocol"]
    assert (protocol["samples"], protocol["real"], protocol["seed"], protocol["ema"]) == (40, 40, 3, True)
    assert protocol["metrics"] == {name: compose_option("metrics", "points")[name] for name in protocol["metrics"]}
    assert protocol["data"]["fingerprint"] == restore(runs / "sweep" / "one").data.fingerprint
    assert record["metrics"].keys() == record["real"].keys() >= {"modes", "high_quality"}
    assert (record["goals"]["modes"], record["goals"]["sliced_wasserstein"]) == ("max", "min")
    assert record["real"]["modes"] == 8 and record["real"]["high_quality"] > 0.9
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert record["command"] == "python -m ganexp.evaluate run=sweep/one metrics=points samples=40 seed=3"
    assert told == "" and printed.splitlines()[-1] == str(file)


def test_the_generator_and_the_data_are_those_that_are_asked_for(evaluate, runs):
    evaluate("run=sweep/one", *POINTS)
    evaluate("run=sweep/one", *POINTS, "ema=false")
    average, live = sorted(records(runs), key=lambda record: not record["protocol"]["ema"])
    assert len(differences(average["protocol"], live["protocol"])) == 1
    assert average["metrics"] != live["metrics"] and average["real"] == live["real"]
    evaluate("run=sweep/two", *POINTS, "data.size=32")
    assert records(runs / "sweep" / "two")[0]["protocol"]["real"] == 32


def test_last_and_best_checkpoint(evaluate, runs):
    folder = runs / "sweep" / "one" / "checkpoints"
    shutil.copy(folder / "previous.ckpt", folder / "best.ckpt")
    printed, _ = evaluate("run=sweep/one", *POINTS, "checkpoint=both")
    assert [line.split()[1:3] for line in printed.splitlines() if line.startswith("one ")][:2] == [["last", "6"], ["best", "3"]]
    best, last = records(runs)
    assert (best["iteration"], best["checkpoint"], last["iteration"]) == (3, "best.ckpt", 6)
    assert best["metrics"] != last["metrics"]
    (folder / "best.ckpt").unlink()
    assert evaluate.refuse("run=sweep/one", *POINTS, "checkpoint=best").startswith("run=sweep/one")
    _, told = evaluate("run=sweep/one", *POINTS, "checkpoint=both", status=1)
    assert told.startswith("ganexp: sweep/one (best): ")


# What is shown ---------------------------------------------------------------------------------------------------------------


def test_a_row_for_each_run_and_one_for_real_samples(evaluate, runs):
    printed, told = evaluate("run=sweep", *POINTS)
    heads, *_ = printed.splitlines()
    assert heads.split()[:3] == ["run", "checkpoint", "iteration"] and "modes" in heads and "/" not in heads
    lines = printed.split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == ["run", "one", "two", "real"]
    column = heads.index("high_quality") + len("high_quality")
    shown = [line[:column].split()[-1] for line in lines[1:]]
    one, two = records(runs)
    assert shown == [f"{value['high_quality']:,.4g}" for value in (one["metrics"], two["metrics"], one["real"])]
    assert max(map(len, printed.splitlines())) <= 128
    assert [line.partition(": measuring ")[2] for line in told.splitlines()] == ["sweep/one, 1 of 2", "sweep/two, 2 of 2"]
    text = report(Options([str(runs / "sweep")], numbers="evaluations")).text
    assert "50 samples" in text and "64 samples" in report(Options([str(runs / "sweep")])).text, "a comparison can rank by it"


def test_runs_of_different_protocols_are_in_different_tables(evaluate, runs):
    printed, _ = evaluate("run=[sweep,grid]", *POINTS)
    parts = printed.split("\n\n")
    heads = [part.splitlines()[0] for part in parts if part.startswith("data ")]
    assert heads == ["data Ring; EMA used", "data Grid; EMA not used"]
    for head, names in zip(heads, (["sweep/one", "sweep/two"], ["grid"]), strict=True):
        (part,) = (part for part in parts if part.startswith(head))
        assert [line.split()[0] for line in part.splitlines()[2:-1]] == names


def test_a_collapse_is_reported(evaluate, runs):
    change(runs / "sweep" / "one", lambda config: config["metrics"]["modes"].update(least_covered=1.0))
    printed, _ = evaluate("run=sweep/one", "metrics=run", "samples=50")
    sentence, *narrow = records(runs)[0]["warnings"]
    assert "mode collapse" in sentence and narrow
    for said in (sentence, *narrow):
        assert f"\nwarning: one (last): {said}\n" in printed


# What was measured before ----------------------------------------------------------------------------------------------------


@pytest.fixture
def again(evaluate, runs):
    """Return a function that evaluates a run again and returns whether it was measured again."""
    printed, _ = evaluate("run=sweep/one", *POINTS)
    (file,) = runs.rglob("evaluations/*.json")

    def measure(*arguments):
        before = file.stat().st_ino
        assert evaluate("run=sweep/one", *POINTS, *arguments)[0] == printed
        return file.stat().st_ino != before

    return measure


def test_an_equal_measurement_is_used_again_by_default(again):
    assert [again(), again("batch_size=7"), again("overwrite=true")] == [False, False, True]


def test_what_is_damaged_or_was_made_by_other_versions_is_measured_again(again, runs):
    (file,) = runs.rglob("evaluations/*.json")
    record = json.loads(file.read_text())
    other = json.dumps({**record, "versions": {**record["versions"], "torch": "1.0"}})
    for content in ("", "[]", "{}", file.read_text()[:-20], other):
        file.write_text(content)
        assert [again(), again()] == [True, False], content
    assert records(runs)[0]["versions"] == record["versions"]


def test_other_weights_at_the_same_iteration_are_measured(evaluate, runs):
    evaluate("run=sweep/one", *POINTS)
    (before,) = records(runs)
    path = runs / "sweep" / "one" / "checkpoints" / "last.ckpt"
    state = torch.load(path, weights_only=True)
    state["state_dict"] = {name: x + 1 if torch.is_tensor(x) else x for name, x in state["state_dict"].items()}
    write(state, path)
    evaluate("run=sweep/one", *POINTS)
    (after,) = records(runs)
    assert before["weights"] != after["weights"] and before["metrics"] != after["metrics"]


# What is refused -------------------------------------------------------------------------------------------------------------


SPOIL = {
    "no checkpoint": lambda run: shutil.rmtree(run / "checkpoints"),
    "damaged": lambda run: [path.write_bytes(b"") for path in (run / "checkpoints").iterdir()],
    "other data": lambda run: change(run, lambda config: config["data"].update(gone=1)),
    "not writable": lambda run: (run / "evaluations").write_text(""),
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_bad_run_is_named_and_the_others_are_measured(evaluate, runs, spoil):
    spoil(runs / "sweep" / "one")
    printed, told = evaluate("run=sweep", *POINTS, status=1)
    assert told.startswith("ganexp: sweep/one: ") and list(rows(printed))[:2] == ["run", "two"]
    assert [Path(record["run"]).name for record in records(runs)] == ["two"]
    evaluate.refuse("run=sweep/one", *POINTS)


def test_when_all_are_bad_there_is_one_refusal(evaluate, runs):
    for name in ("one", "two"):
        SPOIL["no checkpoint"](runs / "sweep" / name)
    assert evaluate.refuse("run=sweep", *POINTS).startswith("run=sweep: sweep/one: ")


def test_a_run_that_fails_while_it_is_measured_does_not_end_the_others(evaluate, runs):
    change(runs / "sweep" / "one", lambda config: config.update(metrics={"bad": {"_target_": "support.bad_metrics.Broken"}}))
    printed, told = evaluate("run=sweep", "metrics=run", "samples=50", "trust=support", status=1)
    assert "ganexp: sweep/one: failed: RuntimeError: a bad number\n" in told and "two" in rows(printed)
    with pytest.raises(RuntimeError, match="a bad number"):
        evaluate("run=sweep/one", "metrics=run", "trust=[support]")


def test_what_several_runs_need_and_cannot_have_is_asked_for_once(evaluate, runs):
    for name in ("images", "semi"):
        change(runs / name, lambda config: config.update(extractor={"_target_": "support.bad_metrics.Offline"}))
    printed, told = evaluate("run=[images,semi]", "metrics=classes", "trust=true", status=2)
    asked, message = told.splitlines()
    assert asked == "asked" and "images: the machine is offline" in message
    assert printed == "" and not list(runs.rglob("evaluations"))


WRONG = [
    ("run=sweep/one metrics=pionts", "metrics=pionts: "),
    ("run=sweep/one extractor=clasifier", "extractor=clasifier: "),
    ("run=sweep/one metrics=none", "metrics=none: "),
    ("run=sweep/one metrics=images", "metrics=images data: "),
    ("run=images metrics=images extractor_options.nope=1", "extractor"),
    ("run=images metrics=full extractor=inception extractor_options.weights=/nowhere", "extractor.weights: "),
    ("run=sweep/one metrics=points samples=0", "samples=0: "),
    ("run=sweep/one metrics=points accelerator=gpu", "accelerator=gpu: "),
    ("run=sweep/one metrics=points data.sise=3", "data.sise=3: "),
    ("run=nowhere", "run=nowhere: "),
    ("run=sweep/one/metrics.csv metrics=points", "run=sweep/one/metrics.csv: "),
]


def test_a_refusal_is_one_message_and_leaves_nothing(evaluate, runs, monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    for line, start in WRONG:
        assert evaluate.refuse(*line.split()).startswith(start), line
    assert not list(runs.rglob("evaluations"))


# Images ----------------------------------------------------------------------------------------------------------------------


def test_by_default_all_is_measured_that_fits(evaluate, runs):
    printed, _ = evaluate("run=images", "samples=60")
    (record,) = records(runs)
    extractor = record["protocol"]["extractor"]
    assert extractor["name"] == "classifier" and re.fullmatch("[0-9a-f]{16}", extractor["hash"])
    assert {"fid", "label_accuracy"} <= record["metrics"].keys() and "modes" not in record["metrics"]
    assert record["real"]["fid"] < record["metrics"]["fid"]
    assert record["real"]["label_accuracy"] > max(0.8, record["metrics"]["label_accuracy"])
    assert "label_accuracy" in printed and max(map(len, printed.splitlines()[:-1])) <= 128


def test_what_the_model_says_of_itself_is_measured_without_metrics(evaluate, runs):
    evaluate("run=semi", "metrics=run", "samples=50")
    (record,) = records(runs)
    assert record["metrics"].keys() == {"test_accuracy"} and record["protocol"]["metrics"] == {}


def test_options_are_read_without_torch():
    assert loaded("ganexp.evaluation", "samples=0")[1:] == ("2", [])


@pytest.mark.slow
def test_module_is_the_command(runs):
    done = run_module("ganexp.evaluate", "run=sweep/one", *POINTS)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(records(runs)) == 1
