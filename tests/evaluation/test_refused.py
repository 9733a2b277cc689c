"""What cannot be measured is named; the rest is measured."""

import shutil
from pathlib import Path

import pytest
import torch

from support.evaluated import POINTS, change, records, rows

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
