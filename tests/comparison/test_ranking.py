"""Kinds of runs in order, apart where they were measured in different ways."""

import pytest

from ganexp.comparison.collect import Outcome
from ganexp.comparison.ranking import tables
from ganexp.config.errors import ConfigError
from ganexp.runs.records import Health
from support.made_runs import PROTOCOL, best, summary

OTHER = PROTOCOL | {"samples": 1000}


def outcome(folder, seed=0, status="finished", **content):
    given = summary(status=status, seed=seed, **content) if content else None
    return Outcome(folder, None, [f"seed={seed}"], given, None, status)


def ranked(kinds, by=None, on="final", searched=()):
    """Return the tables of outcomes, given by kind."""
    outcomes = [made for group in kinds.values() for made in group]
    names = [kind for kind, group in kinds.items() for _ in group]
    return tables(outcomes, names, [{"loss": name} for name in names], by, on, searched)


def order(table):
    return [(group["rank"], group["label"]) for group in table["groups"]]


def test_the_best_mean_over_seeds_comes_first(tmp_path):
    kinds = {
        "bad": [outcome(tmp_path, seed, quality=0.5) for seed in range(2)],
        "good": [outcome(tmp_path, seed, quality=value) for seed, value in enumerate([0.7, 0.9])],
    }
    (table,) = ranked(kinds)
    assert order(table) == [(1, "good"), (2, "bad")]
    assert (table["by"], table["goal"], table["real"], table["differs"]) == ("quality", "max", {"quality": 0.99}, "")
    assert table["protocol"].startswith("2,500 samples of the averaged generator")
    good = table["groups"][0]
    assert (good["runs"], good["seeds"], good["parameters"]) == ([2, 3], [0, 1], {"loss": "good"})
    assert good["final"]["quality"]["mean"] == pytest.approx(0.8)
    assert good["final"]["quality"]["low"] < 0.7
    assert set(good["final"]) == {"quality", "distance", "loss/d"}  # no details
    assert set(good["best"]) == {"quality", "distance"}
    assert good["best_iterations"] == [90, 90]
    assert (good["health"], good["status"]) == ({"healthy": 2}, {"finished": 2})
    assert (good["seconds"]["mean"], good["images_per_second"]["n"]) == (10.0, 2)


def test_another_value_or_the_best_state_ranks_where_that_is_asked_for(tmp_path):
    kinds = {"a": [outcome(tmp_path, quality=0.9)], "b": [outcome(tmp_path, quality=0.8, best=best(5, quality=0.99))]}
    assert order(ranked(kinds, on="best")[0]) == [(1, "b"), (2, "a")]
    (table,) = ranked(kinds, by="distance")
    assert (table["by"], table["goal"]) == ("distance", "min")
    assert order(table) == [(1, "a"), (2, "b")]
    assert ranked(kinds, searched=["distance"])[0]["by"] == "distance"
    with pytest.raises(ConfigError, match=r"no such value ranks runs \(choices: quality, distance\)") as caught:
        ranked(kinds, by="loss/d")
    assert caught.value.keys == ("by",)
    with pytest.raises(ConfigError, match=r"\(did you mean distance\?\)"):
        ranked(kinds, by="distanc")


def test_a_kind_with_a_broken_run_stands_behind_those_without(tmp_path):
    diverged = Health("diverged", "nan", 5)
    kinds = {
        "diverged": [outcome(tmp_path, 0, quality=0.99), outcome(tmp_path, 1, quality=0.99, health=diverged)],
        "failed": [outcome(tmp_path, 0, quality=0.98), outcome(tmp_path, 1, "failed")],
        "killed": [outcome(tmp_path, 0, quality=0.6), outcome(tmp_path, 1, "killed")],
        "sound": [outcome(tmp_path, 0, quality=0.5)],
        "stopped by an alarm": [outcome(tmp_path, 0, "stopped", quality=0.97, exit_status=1)],
        "pruned": [outcome(tmp_path, 0, "pruned", quality=0.96)],
        "interrupted": [outcome(tmp_path, 0, quality=0.4), outcome(tmp_path, 1, "stopped", quality=0.9, exit_status=143)],
        "refused": [outcome(tmp_path, 0, "refused")],
    }
    (table,) = ranked(kinds)
    sound = [(1, "killed"), (2, "sound"), (3, "interrupted")]
    assert order(table) == [*sound, (4, "diverged"), (5, "failed"), (6, "stopped by an alarm"), (7, "pruned")]
    assert table["groups"][4]["status"] == {"finished": 1, "failed": 1}
    assert (table["groups"][4]["runs"], table["groups"][4]["final"]["quality"]["n"]) == ([2, 3], 1)


def test_runs_of_one_seed_count_once(tmp_path):
    (table,) = ranked({"a": [outcome(tmp_path, seed, quality=value) for seed, value in [(0, 0.2), (0, 0.4), (1, 0.7)]]})
    assert table["groups"][0]["final"]["quality"]["values"] == pytest.approx([0.3, 0.7])


def test_a_number_that_is_missing_is_left_out(tmp_path):
    (table,) = ranked(
        {"a": [outcome(tmp_path, quality=None)], "b": [outcome(tmp_path, 0, quality=None), outcome(tmp_path, 1, quality=0.5)]}
    )
    assert order(table) == [(1, "b"), (None, "a")]
    assert table["groups"][0]["final"]["quality"]["n"] == 1


def test_what_was_measured_otherwise_is_ranked_apart(tmp_path):
    kinds = {
        "a": [outcome(tmp_path, quality=0.5), outcome(tmp_path, quality=0.9, measured=OTHER), outcome(tmp_path, 1, "killed")],
        "b": [outcome(tmp_path, quality=0.6)],
    }
    first, second = ranked(kinds)
    assert (order(first), order(second)) == ([(1, "b"), (2, "a")], [(1, "a")])
    assert (first["differs"], second["differs"]) == ("samples 2500", "samples 1000")
    assert second["protocol"].startswith("1,000 samples")
    assert [group["runs"] for group in first["groups"]] == [[3], [0, 2]]


def test_what_does_not_move_the_ranking_value_keeps_nothing_apart(tmp_path):
    """How many real samples were scored beside the model moves no number of its own; nor does another metric."""
    more = PROTOCOL["metrics"] | {"outside": {"_target_": "ganexp.metrics.MassOutside"}}
    others = [PROTOCOL | {"real": 100}, PROTOCOL | {"metrics": more}]
    content = {"metrics": {"modes": 8.0}, "goals": {"modes": "max"}, "best": None}
    (table,) = ranked({"a": [outcome(tmp_path, measured=how, **content) for how in (PROTOCOL, *others)]}, by="modes")
    assert table["groups"][0]["runs"] == [0, 1, 2]


def test_runs_that_measured_nothing_are_shown_and_not_ranked(tmp_path):
    bare = {"measured": None, "best": None, "real": {}, "metrics": {"loss/d": 1.0}, "goals": {}}
    (table,) = ranked({"a": [outcome(tmp_path, **bare)]})
    assert (table["by"], table["goal"], order(table)) == (None, None, [(None, "a")])
    with pytest.raises(ConfigError, match="nothing was measured by which runs are ranked"):
        ranked({"a": [outcome(tmp_path, **bare)]}, by="fid")
    assert len(ranked({"a": [outcome(tmp_path, **bare)], "b": [outcome(tmp_path, quality=0.4)]})) == 2


def test_nothing_is_a_table_where_no_run_has_numbers(tmp_path):
    assert ranked({"a": [outcome(tmp_path, 0, "refused")]}) == []


def test_a_run_that_was_interrupted_does_not_count_until_it_is_continued(tmp_path):
    kinds = {"a": [outcome(tmp_path, 0, quality=0.9), outcome(tmp_path, 1, "stopped", quality=0.1, exit_status=143)]}
    (group,) = ranked(kinds)[0]["groups"]
    assert (group["final"]["quality"]["mean"], group["final"]["quality"]["n"]) == (0.9, 1)
    assert group["status"] == {"finished": 1, "stopped": 1}
    stopped_by_an_alarm = {"a": [outcome(tmp_path, 0, "stopped", quality=0.1, exit_status=1)]}
    assert ranked(stopped_by_an_alarm)[0]["groups"][0]["final"]["quality"]["n"] == 1


def test_a_run_that_was_interrupted_before_its_first_measurement_makes_no_table_of_its_own(tmp_path):
    early = {"exit_status": 143, "measured": None, "best": None, "metrics": {"loss/d": 1.0}}
    kinds = {"a": [outcome(tmp_path, quality=0.9), outcome(tmp_path, 1, "stopped", quality=None, **early)]}
    (table,) = ranked(kinds)
    (group,) = table["groups"]
    assert (group["runs"], group["status"], group["final"]["quality"]["n"]) == ([0, 1], {"finished": 1, "stopped": 1}, 1)
