"""Measurements of trained runs, through the real command line."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from ganexp.compare.__main__ import report
from ganexp.config.compose import compose, compose_option, directory
from ganexp.config.errors import ConfigError
from ganexp.evaluate import evaluator as kept
from ganexp.evaluate.__main__ import main
from ganexp.metrics import ModeCoverage
from ganexp.metrics.extractors import Classifier
from ganexp.runs.protocol import differences, digest
from ganexp.runs.run import Run
from ganexp.training.experiment import assemble
from ganexp.training.restore import restore
from ganexp.training.train import prepare, train
from support.tiny import TINY, TINY_IMAGES, TINY_MLP, TINY_RING

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


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a folder of trained runs that no test changes."""
    folder = tmp_path_factory.mktemp("made")
    for name, overrides in RUNS.items():
        train(prepare(assemble(compose(*TINY, *overrides, *QUICK)), Run(folder / name)), list(overrides))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Return the folder in which classifiers and statistics of this module's tests are kept."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def runs(made, tmp_path) -> Path:
    """Return a folder with copies of the runs."""
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def evaluate(runs, cache, monkeypatch, capsys):
    """Return a function that runs the command line in the folder of the runs, and returns what it printed and what it told."""
    monkeypatch.chdir(runs)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)

    def run(*arguments: str, status: int = 0) -> tuple[str, str]:
        few = [] if any(argument.startswith("samples=") for argument in arguments) else ["samples=50"]
        monkeypatch.setattr(sys, "argv", ["evaluate", *arguments, *few])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == status, printed.err
        return printed.out, printed.err

    return run


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
    assert differences(summary["measured"], record["protocol"]) == []
    assert record["metrics"] == {name: summary["metrics"][name] for name in record["metrics"]}
    assert (record["real"], record["iteration"]) == (summary["real"], 6)


def test_keeps_what_it_measured_with_how_and_of_what(evaluate, runs):
    printed, told = evaluate("run=sweep/one", "metrics=points", "samples=40", "seed=3")
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


def test_changes_nothing_else_in_the_run_and_draws_no_random_numbers(evaluate, runs):
    def content():
        files = [path for path in sorted(runs.rglob("*")) if path.is_file() and path.parent.name != "evaluations"]
        return {path: path.read_bytes() for path in files}

    before, state = content(), torch.get_rng_state()
    evaluate("run=sweep/one", "metrics=points")
    assert content() == before and torch.equal(torch.get_rng_state(), state)
    assert len(records(runs)) == 1


def test_the_averaged_generator_is_another_than_the_one_that_trains(evaluate, runs):
    evaluate("run=sweep/one", "metrics=points")
    evaluate("run=sweep/one", "metrics=points", "ema=false")
    average, live = sorted(records(runs), key=lambda record: not record["protocol"]["ema"])
    assert differences(average["protocol"], live["protocol"]) == ["EMA is not used in one"]
    assert average["metrics"] != live["metrics"] and average["real"] == live["real"]


def test_takes_the_options_of_the_data_that_are_given(evaluate, runs):
    evaluate("run=sweep/one", "metrics=points", "data.size=32")
    (record,) = records(runs)
    assert record["protocol"]["real"] == 32


# Which runs are measured -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("sweep", ["one", "two"]),
        ("sweep/*", ["one", "two"]),
        ("s*/t*", ["two"]),
        ("[sweep/two,sweep,sweep/../sweep/two]", ["two", "one"]),
        ("[sweep/one/checkpoints/last.ckpt]", ["one"]),
        ("sweep/one/checkpoints/l*.ckpt", ["one"]),
        ("sweep/one/checkpoints", ["one"]),
    ],
)
def test_runs_are_named_one_by_one_by_folder_or_by_pattern(evaluate, runs, named, found):
    printed, _ = evaluate(f"run={named}", "metrics=points")
    assert [name for name in rows(printed) if name in ("one", "two", "grid")] == found
    assert {Path(record["run"]).name for record in records(runs)} == set(found)


def test_a_name_with_brackets_is_a_name(evaluate, runs):
    (runs / "sweep" / "one").rename(runs / "a=[1,2]")
    evaluate("run='a=[1,2]'", "metrics=points")
    assert len(records(runs)) == 1


def test_names_with_commas_in_a_list_are_to_be_quoted(evaluate, runs):
    for seed in (0, 1):
        shutil.copytree(runs / "sweep" / "one", runs / f"model=gan,loss=hinge,seed={seed}")
    _, told = evaluate("run=[grid,model=gan,loss=hinge,seed=0,model=gan,loss=hinge,seed=1]", status=2)
    assert "model=gan,loss=hinge,seed=0 is taken for several names (quote what has commas: run=\"['model=gan,loss" in told
    evaluate("run=['model=gan,loss=hinge,seed=0','model=gan,loss=hinge,seed=1']", "metrics=points")
    assert len(records(runs)) == 2


def test_last_and_best_checkpoint(evaluate, runs):
    folder = runs / "sweep" / "one" / "checkpoints"
    shutil.copy(folder / "previous.ckpt", folder / "best.ckpt")
    printed, _ = evaluate("run=sweep/one", "metrics=points", "checkpoint=both")
    assert [line.split()[1:3] for line in printed.splitlines() if line.startswith("one ")][:2] == [["last", "6"], ["best", "3"]]
    best, last = records(runs)
    assert (best["iteration"], best["checkpoint"], last["iteration"]) == (3, "best.ckpt", 6)
    assert best["metrics"] != last["metrics"]
    evaluate("run=sweep/one", "metrics=points", "checkpoint=best", "seed=3")
    assert sorted(record["iteration"] for record in records(runs)) == [3, 3, 6]


# What is shown ---------------------------------------------------------------------------------------------------------------


def test_a_row_for_each_run_and_one_for_real_samples(evaluate, runs):
    printed, told = evaluate("run=sweep", "metrics=points")
    assert "do not compare" not in printed
    heads, *_ = printed.splitlines()
    assert heads.split()[:3] == ["run", "checkpoint", "iteration"] and "modes" in heads and "/" not in heads
    lines = printed.split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == ["run", "one", "two", "real"]
    assert lines[3].startswith("real (50 held out)")
    column = heads.index("high_quality") + len("high_quality")
    shown = [line[:column].split()[-1] for line in lines[1:]]
    one, two = records(runs)
    expected = [record["high_quality"] for record in (one["metrics"], two["metrics"], one["real"])]
    assert shown == [f"{value:,.4g}" for value in expected]
    assert max(map(len, printed.splitlines())) <= 128
    assert "2 measurements" in printed.splitlines()[-1]
    assert [line.partition(": measuring ")[2] for line in told.splitlines()] == ["sweep/one, 1 of 2", "sweep/two, 2 of 2"]


def test_runs_of_different_protocols_are_in_different_tables(evaluate, runs):
    printed, _ = evaluate("run=[sweep,grid]", "metrics=points")
    assert printed.startswith("These were not measured in the same way; do not compare numbers of different tables.\n")
    parts = printed.split("\n\n")
    heads = [part.splitlines()[0] for part in parts if part.startswith("data ")]
    assert heads == ["data Ring; EMA used", "data Grid; EMA not used"]
    for head, names in zip(heads, (["sweep/one", "sweep/two"], ["grid"]), strict=True):
        (part,) = (part for part in parts if part.startswith(head))
        assert [line.split()[0] for line in part.splitlines()[2:-1]] == names


def test_collapse_is_told(evaluate, runs, monkeypatch):
    monkeypatch.setattr(ModeCoverage, "collapse", lambda self, values: f"{values['modes/total']:.0f} modes are few")
    printed, _ = evaluate("run=sweep/one", "metrics=points")
    assert "\nwarning: one (last): 8 modes are few\n" in printed
    assert records(runs)[0]["collapses"] == ["8 modes are few"]


def test_a_comparison_can_rank_by_it(evaluate, runs):
    evaluate("run=sweep", "metrics=points")
    text = report([str(runs / "sweep")], numbers="evaluations").text
    assert "50 samples of the averaged generator, seed 2" in text and "(n = 2)" in text
    assert "64 samples" in report([str(runs / "sweep")]).text


# What was measured before ----------------------------------------------------------------------------------------------------


@pytest.fixture
def measured(evaluate, runs, monkeypatch):
    """Return a function that evaluates a run again and returns how often something was measured."""
    printed = [evaluate("run=sweep/one", "metrics=points")[0]]
    calls = []
    measure = kept.measure
    monkeypatch.setattr(kept, "measure", lambda *arguments: calls.append(1) or measure(*arguments))

    def again(*arguments):
        calls.clear()
        printed.append(evaluate("run=sweep/one", "metrics=points", *arguments)[0])
        assert printed[0] == printed[-1]
        return len(calls)

    return again


def test_an_equal_measurement_is_taken_again_unless_told_otherwise(measured):
    assert [measured(), measured("batch_size=7"), measured("overwrite=true"), measured()] == [0, 0, 1, 0]


def test_what_is_damaged_or_was_made_by_other_versions_is_measured_again(measured, runs):
    (file,) = runs.rglob("evaluations/*.json")
    record = json.loads(file.read_text())
    other = json.dumps({**record, "versions": {**record["versions"], "torch": "1.0"}})
    for content in ("", "[]", "{}", file.read_text()[:-20], other):
        file.write_text(content)
        assert [measured(), measured()] == [1, 0], content
    assert records(runs)[0]["versions"] == record["versions"]


def test_other_weights_at_the_same_iteration_are_measured(evaluate, runs):
    evaluate("run=sweep/one", "metrics=points")
    (before,) = records(runs)
    path = runs / "sweep" / "one" / "checkpoints" / "last.ckpt"
    state = torch.load(path, weights_only=True)
    state["state_dict"] = {name: x + 1 if torch.is_tensor(x) else x for name, x in state["state_dict"].items()}
    torch.save(state, path)
    evaluate("run=sweep/one", "metrics=points")
    (after,) = records(runs)
    assert before["weights"] != after["weights"] and before["metrics"] != after["metrics"]


# What is refused -------------------------------------------------------------------------------------------------------------


def no_checkpoint(run):
    shutil.rmtree(run / "checkpoints")


def damaged(run):
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(b"")


def other_data(run):
    change(run, lambda config: config["data"].update(gone=1))


def not_writable(run):
    (run / "evaluations").write_text("")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_checkpoint, "has not saved a checkpoint yet"),
        (damaged, "is damaged"),
        (other_data, "data.gone: .*no option 'gone'"),
        (not_writable, "cannot be written"),
    ],
)
def test_a_bad_run_is_named_and_the_others_are_measured(evaluate, runs, spoil, says):
    spoil(runs / "sweep" / "one")
    printed, told = evaluate("run=sweep", "metrics=points", status=1)
    assert re.search(f"^ganexp: sweep/one: .*{says}", told, re.MULTILINE)
    assert list(rows(printed))[:2] == ["run", "two"]
    assert [Path(record["run"]).name for record in records(runs)] == ["two"]
    (message,) = evaluate("run=sweep/one", "metrics=points", status=2)[1].splitlines()
    assert re.search(says, message) and len(records(runs)) == 1


def test_a_run_that_fails_while_it_is_measured_does_not_end_the_others(evaluate, runs, monkeypatch):
    measure = kept.measure

    def fail(model, *arguments):
        if model.counters.iteration == 6 and not records(runs):
            (runs / "sweep" / "two" / "evaluations").mkdir()
            (runs / "sweep" / "two" / "evaluations" / "0.json").write_text("{}")
            raise RuntimeError("out of memory")
        return measure(model, *arguments)

    monkeypatch.setattr(kept, "measure", fail)
    printed, told = evaluate("run=sweep", "metrics=points", status=1)
    assert "ganexp: sweep/one: failed: RuntimeError: out of memory\n" in told
    assert "two" in rows(printed) and list((runs / "sweep" / "two" / "evaluations").glob("00000006-*.json"))
    shutil.rmtree(runs / "sweep" / "two" / "evaluations")
    with pytest.raises(RuntimeError, match="out of memory"):
        evaluate("run=sweep/one", "metrics=points")


def test_when_all_are_bad_there_is_one_refusal(evaluate, runs):
    for name in ("one", "two"):
        no_checkpoint(runs / "sweep" / name)
    printed, told = evaluate("run=sweep", "metrics=points", status=2)
    (message,) = told.splitlines()
    assert message.startswith("ganexp: run=sweep: sweep/one: this run has not saved a checkpoint yet; none of the 2 can be")
    assert printed == ""


def test_what_all_runs_need_and_cannot_have_is_asked_for_once(evaluate, runs, monkeypatch):
    asked = []

    def prepare(self, data):
        asked.append(data)
        raise ConfigError("the machine is offline", "extractor")

    monkeypatch.setattr(Classifier, "prepare", prepare)
    printed, told = evaluate("run=[images,semi]", "metrics=classes", status=2)
    (message,) = told.splitlines()
    assert "images: the machine is offline; none of the 2 can be measured" in message
    assert len(asked) == 1 and printed == "" and not list(runs.rglob("evaluations"))


def test_best_is_refused_where_there_is_none(evaluate, runs):
    (runs / "sweep" / "one" / "checkpoints" / "best.ckpt").unlink(missing_ok=True)
    (message,) = evaluate("run=sweep/one", "metrics=points", "checkpoint=best", status=2)[1].splitlines()
    assert "this run has kept no best checkpoint" in message and "checkpoint=last" in message
    _, told = evaluate("run=sweep/one", "metrics=points", "checkpoint=both", status=1)
    assert told.startswith("ganexp: sweep/one (best): this run has kept no best checkpoint")
    assert [record["checkpoint"] for record in records(runs)] == ["last.ckpt"]


WRONG = [
    ("run=sweep/one metrics=pionts", "metrics=pionts: ", r"there is no such metrics \(did you mean metrics=points\?\)"),
    ("run=sweep/one metrics=zzz", "metrics=zzz: ", r"\(there is: classes, "),
    ("run=sweep/one extractor=clasifier", "extractor=clasifier: ", r"did you mean extractor=classifier\?"),
    ("run=sweep/one metrics=none", "metrics=none: ", "use metrics=full"),
    ("run=sweep/one metrics=images", "metrics=images data: ", "needs images"),
    ("run=images metrics=points", "metrics=points data: |data: |metrics", "."),
    ("run=images metrics=images extractor_options.nope=1", "extractor_options|extractor.nope", "no option 'nope'"),
    ("run=sweep/one metrics=points samples=0", "samples=0: ", "greater than or equal to 1"),
    ("run=sweep/one metrics=points seed=-1", "seed=-1: ", "greater than or equal to 0"),
    ("run=sweep/one metrics=points checkpoint=first", "checkpoint=first: ", "'last', 'best' or 'both'"),
    ("run=sweep/one/checkpoints/last.ckpt checkpoint=best", "checkpoint=best run=sweep/one", "name its run directory"),
    ("run=sweep/one metrics=points accelerator=gpu", "accelerator=gpu: ", "use accelerator=cpu"),
    ("run=sweep/one metrics=points data.sise=3", "data.sise=3: ", r"did you mean data.size\?"),
    ("run=sweep/one sampels=3", "sampels=3: ", r"did you mean samples=3\?"),
    ("run=nowhere", "run=nowhere: ", "there is no such directory"),
    ("run=nowhere/*", "run=nowhere/*: ", "no run matches"),
    ("run=sweep/one/*.csv", "run=sweep/one/*.csv: ", "it matches sweep/one/metrics.csv"),
    ("run=sweep/one/metrics.csv metrics=points", "run=sweep/one/metrics.csv: ", "is damaged"),
    ("run=[]", "run=[]: ", "no run is named|should not be empty"),
    ("run=", "run=: ", "a run directory is needed|should be text"),
    ("metrics=points", "run: ", "a value is needed here"),
]


@pytest.mark.parametrize(("line", "start", "says"), WRONG, ids=[line for line, _, _ in WRONG])
def test_is_told_in_one_message_and_leaves_nothing(evaluate, runs, monkeypatch, line, start, says):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    printed, told = evaluate(*line.split(), status=2)
    (message,) = told.splitlines()
    assert re.match("ganexp: (" + "|".join(map(re.escape, start.split("|"))) + ")", message)
    assert re.search(says, message)
    assert printed == "" and not list(runs.rglob("evaluations"))


# Images ----------------------------------------------------------------------------------------------------------------------


def test_images_are_seen_by_the_classifier_of_their_data(evaluate, runs, cache):
    change(runs / "images", lambda config: config.pop("extractor", None))  # as of runs from before there were any
    printed, _ = evaluate("run=images", "metrics=classes")
    (record,) = records(runs)
    extractor = record["protocol"]["extractor"]
    assert extractor["name"] == "classifier" and re.fullmatch("[0-9a-f]{16}", extractor["hash"])
    assert record["real"]["label_accuracy"] > 0.8 and record["real"]["label_accuracy"] > record["metrics"]["label_accuracy"]
    assert "label_accuracy" in printed and "/" not in printed.splitlines()[0]
    assert list(cache.rglob("classifier-*.pt"))


def test_by_default_all_is_measured_that_fits(evaluate, runs):
    printed, _ = evaluate("run=images", "samples=60")
    (record,) = records(runs)
    assert {"fid", "label_accuracy"} <= record["metrics"].keys() and "modes" not in record["metrics"]
    assert record["real"]["fid"] < record["metrics"]["fid"]
    assert max(map(len, printed.splitlines()[:-1])) <= 128


def test_what_the_model_says_of_itself_is_measured_without_metrics(evaluate, runs):
    evaluate("run=semi", "metrics=run")
    (record,) = records(runs)
    assert record["metrics"].keys() == {"test_accuracy"} and record["protocol"]["metrics"] == {}


# The command -----------------------------------------------------------------------------------------------------------------


def test_help_needs_no_torch():
    code = "import sys; from ganexp.evaluate.__main__ import main\ntry: main()\nexcept SystemExit as end: print(end.code)\n"
    code += "print([name for name in ('torch', 'lightning', 'numpy') if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(directory().parent)}
    for argument, first, status in (("--help", "python -m ganexp.evaluate option=value ...", "0"), ("samples=0", "2", "2")):
        command = [sys.executable, "-c", code, argument]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        lines = done.stdout.splitlines()
        assert (lines[0], lines[-2], lines[-1]) == (first, status, "[]")


@pytest.mark.slow
def test_module_is_the_command(runs):
    environment = {**os.environ, "PYTHONPATH": str(directory().parent)}
    command = [sys.executable, "-m", "ganexp.evaluate", "run=sweep/one", "metrics=points", "samples=50"]
    done = subprocess.run(command, cwd=runs, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(records(runs)) == 1
