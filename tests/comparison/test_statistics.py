"""Intervals over seeds, and whether two means differ: against scipy's own tests."""

import math

import numpy as np
import pytest
from scipy import stats

from ganexp.comparison.statistics import differ, interval


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_is_student_s(n):
    values = list(np.random.default_rng(n).normal(3, 2, n))
    made = interval(values)
    low, high = stats.t.interval(0.95, n - 1, np.mean(values), stats.sem(values))
    assert (made["mean"], made["low"], made["high"], made["n"]) == pytest.approx((np.mean(values), low, high, n))


def test_what_is_missing_or_not_finite_does_not_count():
    assert interval([1.0, None, math.nan, 1.0, math.inf]) == {
        "mean": 1.0,
        "low": 1.0,
        "high": 1.0,
        "n": 2,
        "values": [1.0, 1.0],
    }
    assert interval([2.0]) == {"mean": 2.0, "low": None, "high": None, "n": 1, "values": [2.0]}
    assert interval([None]) == {"mean": None, "low": None, "high": None, "n": 0, "values": []}


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("sizes", [(2, 2), (3, 3), (3, 8)])
def test_means_differ_where_welch_s_test_says_so(shift, sizes):
    draw = np.random.default_rng(1)
    a, b = (list(draw.normal(m, s, n)) for m, s, n in zip((0, shift), (0.3, 1), sizes, strict=True))
    assert differ(a, b) == (stats.ttest_ind(a, b, equal_var=False).pvalue < 0.05)


def test_one_value_says_nothing_and_equal_ones_everything():
    assert differ([1.0], [2.0, 3.0]) is None
    assert differ([1.0, 1.0], [1.0, 1.0]) is False
    assert differ([1.0, 1.0], [2.0, 2.0]) is True
    assert differ([1.0, 1.0], [2.0, 2.0 + 1e-12]) is True
