"""A comparison as text."""

import csv
import io
import re

import pytest

from ganexp.comparison.statistics import interval
from ganexp.comparison.tables import WIDTH, spreadsheet, terminal


def group(label, rank=1, runs=(0, 1), final=(1.0, 1.2), best=(0.9, 1.0), seconds=75.0):
    return {
        "rank": rank,
        "label": label,
        "runs": list(runs),
        "final": {"fid": interval(final)},
        "best": {"fid": interval(best)},
        "health": {"healthy": 1, "collapsed": 1},
        "status": {"finished": 2},
        "seconds": interval([seconds]),
    }


def run(index, label, **changes):
    given = {"id": index, "name": f"run {index}", "group": label, "table": 0, "seed": index, "parameters": {"lr": 0.1}}
    given |= {"status": "finished", "reason": None, "health": {"verdict": "healthy"}, "iteration": 5, "total_iterations": 5}
    given |= {"final": {"fid": 1.0}, "best": {"fid": 0.9}, "best_iteration": 4, "seconds": 75.0, "images_per_second": None}
    return given | {"device": "cpu", "directory": "/x", "command": "python -m ganexp a=1,2"} | changes


def data(*groups, runs=(), failures=(), tables=1, by="fid", on="final"):
    table = {"protocol": "1,000 samples", "differs": "", "by": by, "goal": "min", "real": {"fid": 0.27}, "groups": list(groups)}
    return {
        "tables": [table] * tables,
        "runs": list(runs),
        "failures": [{"run": index} for index in failures],
        "verdict": ["a is best"],
        "on": on,
        "parameters": [{"key": "lr"}],
        "metrics": [{"name": "fid"}, {"name": "loss/d"}],
    }


def test_the_terminal_shows_a_row_for_each_kind_and_the_floor():
    text = terminal(data(group("hinge"), group("r3gan", rank=None, final=(), best=())))
    assert text.splitlines() == [
        "1,000 samples",
        "#  setting                      final fid  best fid  health                        time",
        "1  hinge                1.1 ± 1.3 (n = 2)      0.95  1 healthy, 1 collapsed  1 min 15 s",
        "–  r3gan                                             1 healthy, 1 collapsed  1 min 15 s",
        "   real data, held out               0.27",
        "",
        "- a is best",
    ]


def test_the_state_that_ranks_comes_first_with_its_interval():
    lines = terminal(data(group("hinge"), on="best")).splitlines()
    assert re.split(" {2,}", lines[1])[2:4] == ["best fid", "final fid"]
    assert re.split(" {2,}", lines[2])[2:4] == ["0.95 ± 0.64 (n = 2)", "1.1"]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(9.96, "10.0 s"), (59.9, "1 min 00 s"), (3599, "59 min 59 s"), (7260, "2 h 01 min"), (None, "")]
)
def test_time_is_readable(seconds, shown):
    assert terminal(data(group("a", seconds=seconds))).splitlines()[2].endswith(shown or "collapsed")


def test_a_single_seed_has_no_half_interval():
    assert "1.5 (n = 1)" in terminal(data(group("a", final=[1.5])))


def test_long_names_are_cut_to_the_width_of_the_terminal():
    text = terminal(data(group("x" * 200, runs=[0]), runs=[run(0, "x", status="killed", reason="y" * 300)], failures=[0]))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "x…" in text
    assert "killed  run 0: yy" in text


def test_tables_of_different_protocols_come_with_a_warning():
    assert terminal(data(group("a"), tables=2)).startswith("These were not measured in the same way")


def test_where_nothing_ranks_there_is_no_number():
    lines = terminal(data(group("a", rank=None), by=None)).splitlines()
    assert lines[1].split() == ["#", "setting", "final", "best", "health", "time"]
    assert lines[2].startswith("–  a    ")


def test_the_spreadsheet_has_a_row_for_each_run_and_what_its_kind_amounts_to():
    refused = run(2, "b", table=None, final={}, best={}, health=None, reason="no, not so", parameters={"lr": None})
    rows = list(csv.DictReader(io.StringIO(spreadsheet(data(group("a"), runs=[run(0, "a"), run(1, "a"), refused])))))
    assert [row["name"] for row in rows] == ["run 0", "run 1", "run 2"]
    first, last = rows[0], rows[2]
    assert (first["lr"], first["final/fid"], first["best/fid"], first["health"], first["table"]) == (
        "0.1",
        "1.0",
        "0.9",
        "healthy",
        "0",
    )
    assert (first["group/rank"], first["group/by"], first["group/mean"], first["group/n"]) == ("1", "fid", "1.1", "2")
    assert first["command"] == "python -m ganexp a=1,2"
    assert (last["reason"], last["table"], last["group/mean"], last["lr"], last["final/loss/d"]) == (
        "no, not so",
        "",
        "",
        "",
        "",
    )
    assert "best/loss/d" not in first


def test_the_spreadsheet_has_the_means_that_rank():
    (row,) = csv.DictReader(io.StringIO(spreadsheet(data(group("a", runs=[0]), runs=[run(0, "a")], on="best"))))
    assert row["group/mean"] == "0.95"
