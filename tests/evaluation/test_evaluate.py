"""Measurements of trained runs, through the real command line."""

import json
import re
import shutil

import pytest
import torch

from ganexp.comparison.program import Options, report
from ganexp.config.compose import compose_option
from ganexp.runs.archive import write
from ganexp.runs.protocol import differences, digest
from ganexp.runs.run import Run
from ganexp.training.restore import restore
from support.evaluated import POINTS, change, records
from support.program import loaded, run_module

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
