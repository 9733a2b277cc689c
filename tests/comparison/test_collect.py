"""Runs and records of jobs, found below paths."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ganexp.comparison.collect import collect
from ganexp.config.errors import ConfigError
from ganexp.runs.locks import hold
from support.made_runs import BEGAN, LATER, PROTOCOL, make_record, make_run, summary


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a folder with two runs in different depths, which no test changes."""
    folder = tmp_path_factory.mktemp("made")
    make_run(folder / "a", "seed=9", content=summary())
    make_run(folder / "b" / "c", "seed=10", content=summary())
    return folder


def only(path: Path):
    (outcome,) = collect([str(path)]).outcomes
    return outcome


def names(*paths: object) -> list[str]:
    return [outcome.directory.name for outcome in collect([str(path) for path in paths]).outcomes]


def test_folders_runs_and_patterns_name_each_run_once(made, monkeypatch):
    assert names(made) == ["seed=9", "seed=10"]
    assert names(made / "b", made / "a" / "seed=9", made) == ["seed=10", "seed=9"]
    assert names(made / "*" / "seed=9") == ["seed=9"]
    monkeypatch.chdir(made)
    assert names("**") == ["seed=9", "seed=10"]


def test_the_folder_is_the_one_that_was_named_or_what_the_runs_share(made):
    assert collect([str(made / "b")]).folder == made / "b"
    assert collect([str(made / "a" / "seed=9")]).folder == made / "a"
    assert collect([str(made / "a"), str(made / "b")]).folder == made


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("fist", r"there is no folder '.*fist' \(did you mean .*/first\?\)"),
        ("zzz", r"\(.* has empty, first, second\)"),
        ("zzz/y", "there is no folder"),
        ("empty", r"there is no run in .*empty \(.* has no folders in it\)"),
        ("file.txt", r"is a file \(name a run directory"),
        ("z*", "no run matches"),
        ("e*", r"no run matches .* \(it matches .*empty\)"),
    ],
)
def test_what_holds_no_runs_is_refused_by_name(tmp_path, path, says):
    make_run(tmp_path / "first", "seed=0")
    make_run(tmp_path / "second", "seed=0")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    with pytest.raises(ConfigError, match=says) as caught:
        collect([str(tmp_path / path)])
    assert caught.value.keys == ("paths",)


@pytest.mark.parametrize("paths", [[], [""]])
def test_no_path_is_refused(tmp_path, monkeypatch, paths):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no run is named"):
        collect(paths)


def test_a_run_without_a_record_is_known_by_what_it_left(tmp_path):
    run = make_run(tmp_path, "loss=hinge", "seed=3", content=summary(status="stopped", reason="by SIGINT"))
    outcome = only(run)
    assert (outcome.status, outcome.reasons, outcome.seed, outcome.overrides) == (
        "stopped", ["by SIGINT"], 3, ["loss=hinge", "seed=3"],
    )  # fmt: skip
    (run / "summary.json").unlink()
    assert only(run).status == "unfinished"
    with hold(run / ".lock"):
        assert only(run).status == "running"


def test_a_job_that_left_no_directory_is_a_run_too(tmp_path):
    make_record(tmp_path, "loss=hinge,seed=4", "refused", reason="not like this")
    (tmp_path / "jobs" / "loss=hinge,seed=4.log").write_text("a\n\x1b[1mbar 1\rbar 2\r\x1b[0m\n\nend\n")
    outcome = only(tmp_path)
    assert (outcome.status, outcome.reasons, outcome.config, outcome.seed) == ("refused", ["not like this"], None, 4)
    assert outcome.log == "a\nbar 2\nend"


def test_a_job_that_nobody_works_on_was_killed(tmp_path):
    file = make_record(tmp_path, "seed=0", "running")
    outcome = only(tmp_path)
    assert (outcome.status, outcome.reasons) == ("killed", ["its process is gone"])
    with hold(file.with_suffix(".lock")):
        assert only(tmp_path).status == "running"
    make_record(tmp_path, "seed=0", "waiting")
    assert only(tmp_path).status == "waiting"


@pytest.mark.parametrize(
    ("status", "times", "found"),
    [
        ("killed", {}, "killed"),
        ("killed", {"ended": BEGAN}, "finished"),  # resumed by hand
        ("running", {}, "finished"),  # the job vanished when it had written the summary
        ("running", {"began": LATER}, "killed"),  # what is there is of an attempt before
        ("pruned", {}, "pruned"),
        ("failed", {"ended": LATER}, "failed"),
    ],
)
def test_the_later_of_record_and_summary_is_believed(tmp_path, status, times, found):
    make_run(tmp_path, "seed=0", content=summary())
    make_record(tmp_path, "seed=0", status, **times)
    assert only(tmp_path).status == found


@pytest.mark.parametrize("text", ["", "{", "[]", '{"metrics": 3, "status": "finished"}', '{"metrics": {}}', "\xff"])
def test_a_damaged_summary_is_a_reason(tmp_path, text):
    run = make_run(tmp_path, "seed=0")
    (run / "summary.json").write_text(text, encoding="latin-1")
    outcome = only(run)
    assert (outcome.status, outcome.reasons, outcome.summary) == ("unfinished", ["summary.json is damaged"], None)


@pytest.mark.parametrize(
    "changes",
    [
        *({"measured": measured} for measured in ([], 3, {"data": {}})),
        *({"measured": PROTOCOL | change} for change in ({"data": None}, {"samples": "many"})),
        *({"health": health} for health in ({}, "well")),
        *({"metrics": metrics} for metrics in ({"quality": "high"}, None, [0.4])),
        {"best": {"metrics": {"quality": "high"}}},
        {"exit_status": None},
        {"real": "abc"},
        {"goals": {"quality": 1}},
        {"training_seconds": "7"},
    ],
    ids=str,
)
def test_a_summary_with_strange_content_is_damaged(tmp_path, changes):
    run = make_run(tmp_path, "seed=0")
    (run / "summary.json").write_text(json.dumps(asdict(summary()) | changes))
    assert only(run).reasons == ["summary.json is damaged"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"status": 3}', '{"status": "finished", "overrides": 7}'])
def test_a_damaged_record_is_a_reason(tmp_path, text):
    make_run(tmp_path, "seed=0", content=summary())
    make_record(tmp_path, "seed=0", "finished").write_text(text)
    outcome = only(tmp_path)
    assert (outcome.status, outcome.reasons) == ("finished", ["jobs/seed=0.json is damaged"])


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "a: ${nope}", "\xff"])
def test_a_damaged_configuration_is_a_reason(tmp_path, text):
    run = make_run(tmp_path, "seed=5", content=summary())
    (run / ".hydra" / "config.yaml").write_text(text, encoding="latin-1")
    outcome = only(run)
    assert (outcome.status, outcome.config, outcome.seed) == ("finished", None, 5)
    assert outcome.reasons == [".hydra/config.yaml is damaged"]


def test_a_record_of_another_format_is_named(tmp_path):
    run = make_run(tmp_path, "seed=0", content=replace(summary(), format=2))
    assert only(run).reasons[0].startswith("summary.json has format 2")


def test_a_sweep_is_read_once_and_a_damaged_one_is_a_reason(tmp_path):
    for seed in range(2):
        make_record(tmp_path, f"seed={seed}", "refused")
    assert [sweep.swept for sweep in collect([str(tmp_path)]).sweeps] == [["loss"]]
    (tmp_path / "sweep.json").write_text("{")
    found = collect([str(tmp_path)])
    assert found.sweeps == [] and [outcome.reasons for outcome in found.outcomes] == [["sweep.json is damaged"], []]
