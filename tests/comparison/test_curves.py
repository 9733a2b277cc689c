"""Curves that are read from metrics.csv and thinned."""

import math

import pytest

from ganexp.comparison.curves import POINTS, read, thin
from support.made_runs import make_curves


def test_shown_tags_are_read_where_they_have_entries(tmp_path):
    rows = [
        {"iteration": 1, "loss/d": 0.5, "logits/real": 3, "metrics/fid": "", "metrics/share/0": 1},
        {"iteration": 2, "loss/d": 0.25, "metrics/fid": 7.123456789, "health/diversity": 1, "health/verdict": 0},
    ]
    assert read(make_curves(tmp_path, rows)) == (
        {
            "loss/d": {"x": [1, 2], "y": [0.5, 0.25]},
            "metrics/fid": {"x": [2], "y": [7.1235]},
            "health/diversity": {"x": [2], "y": [1.0]},
        },
        True,
    )


def test_the_last_line_counts_when_it_is_whole(tmp_path):
    file = make_curves(tmp_path, [{"iteration": 1, "loss/d": 0.5}, {"iteration": 2, "loss/d": 0.25}])
    for end in ("3", "3,0.1", '3,"'):
        file.write_text(f"iteration,loss/d\n1,0.5\n{end}")
        assert read(file) == ({"loss/d": {"x": [1], "y": [0.5]}}, True)


def test_numbers_that_are_none_are_nan(tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_text("iteration,loss/d\n1,nan\n2,inf\n3,what\n")
    (y,), sound = [curve["y"] for curve in read(file)[0].values()], read(file)[1]
    assert [math.isnan(y[0]), math.isinf(y[1]), math.isnan(y[2]), sound] == [True] * 4


@pytest.mark.parametrize("text", ["nonsense\n1\n", "iteration,loss/d\n1\n2,3\n", "iteration,loss/d\n1,2,3\n", "iteration\nx\n"])
def test_a_damaged_file_is_reported_and_what_can_be_read_is_kept(tmp_path, text):
    (tmp_path / "metrics.csv").write_text(text)
    curves, sound = read(tmp_path / "metrics.csv")
    assert not sound
    assert curves == ({"loss/d": {"x": [2], "y": [3.0]}} if "2,3\n" in text and "1,2" not in text else {})


def test_a_file_that_is_not_there_or_empty_is_sound(tmp_path):
    assert read(tmp_path / "metrics.csv") == ({}, True)
    (tmp_path / "metrics.csv").touch()
    assert read(tmp_path / "metrics.csv") == ({}, True)


def test_bytes_that_are_no_text_do_not_end_it(tmp_path):
    (tmp_path / "metrics.csv").write_bytes(b"\xff\x00\n\x00,\n")
    assert read(tmp_path / "metrics.csv") == ({}, False)


def test_thinning_keeps_the_ends_the_extremes_and_what_is_no_number():
    x = list(range(10_000))
    y = [math.sin(i / 50) for i in x]
    y[1234], y[4321], y[7777] = 9.0, -9.0, math.nan
    made = thin(x, y)
    assert len(made["x"]) == len(made["y"]) <= POINTS
    assert made["x"] == sorted(set(made["x"]))
    assert {0, 9999, 1234, 4321, 7777} <= set(made["x"])
    assert all(
        math.isnan(value) or value == pytest.approx(y[i], abs=1e-3) for i, value in zip(made["x"], made["y"], strict=True)
    )


def test_short_curves_stay_whole():
    x = list(range(POINTS))
    assert thin(x, [0.0] * POINTS)["x"] == x
    assert thin([], []) == {"x": [], "y": []}
