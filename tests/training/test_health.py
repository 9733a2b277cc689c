"""Signs that become alarms, and the verdict; tests/training/callbacks/test_health.py has real trainings."""

import math

import pytest

from ganexp.metrics.measurement import Measurement
from ganexp.runs.records import Alarm, Health
from ganexp.training.health import RULES, VERDICTS, Monitor


def test_signs_in_succession_become_an_alarm_and_go_with_the_last():
    monitor = Monitor()
    raised = [monitor.observe("narrowness", reason, i, patience=3) for i, reason in enumerate(["a", None, "b", "c", "d", "e"])]
    assert raised == [False] * 4 + [True, False]
    assert monitor.report() == Health("collapsed", "e", 2, [Alarm("collapsed", "d", 4)], rollbacks=0)
    assert monitor.first_sign == 2
    monitor.observe("narrowness", None, 9, patience=3)
    assert (monitor.verdict, monitor.reason, monitor.first_sign, len(monitor.alarms)) == ("healthy", None, None, 1)


def test_the_warm_up_has_no_signs_but_numbers_that_are_not_finite():
    monitor = Monitor(warmup=10)
    for iteration in (5, 10, 11):
        monitor.observe("blindness", "blind", iteration, patience=2)
    assert (monitor.verdict, monitor.first_sign) == ("healthy", 11)
    assert monitor.observe("finite", "loss/d is nan", 3, patience=0)
    assert monitor.verdict == "diverged"


def test_of_several_alarms_the_first_rule_is_given_and_all_are_kept():
    monitor = Monitor()
    for i, rule in enumerate(reversed(RULES), start=1):
        monitor.observe(rule, rule, i, patience=1)
        assert (monitor.verdict, monitor.reason) == (RULES[rule], rule)
    assert [alarm["verdict"] for alarm in monitor.alarms] == [RULES[rule] for rule in reversed(RULES)]
    assert monitor.first_sign == 1
    assert set(RULES.values()) | {"healthy"} == set(VERDICTS)


def test_a_monitor_continues_where_it_was():
    monitor, other = Monitor(), Monitor()
    for iteration in (1, 2):
        monitor.observe("decline", "worse", iteration, patience=3)
    monitor.observe("blindness", "blind", 2, patience=1)
    other.load_state_dict(monitor.state_dict())
    assert other.observe("decline", "worse", 3, patience=3)
    assert other.report().verdict == "saturated"
    assert len(monitor.alarms) == 1, "the two share nothing"


def measured(
    monitor: Monitor, *scores: float, goal: str = "min", collapses=lambda k: (), narrow=lambda k: (), planned: int = 100
) -> list[str]:
    """Let a monitor judge a measurement with each score, one an iteration from 1 on; return the verdicts."""
    verdicts, best = [], None
    for iteration, score in enumerate(scores, start=1):
        latest = Measurement(iteration, {"score": score}, {"score": 0.5}, {})
        if best is None or (score < best.values["score"] if goal == "min" else score > best.values["score"]):
            best = latest
        signs = collapses(iteration), narrow(iteration)
        monitor.judge_measurement(latest, best, {"score": goal}, "score", *signs, planned, iteration / planned)
        verdicts.append(monitor.verdict)
    return verdicts


def test_a_decline_raises_an_alarm_until_the_score_is_good_again():
    monitor = Monitor(decline=1.5)
    verdicts = measured(monitor, 9.0, 4.0, 1.0, 1.4, 1.6, 1.7, 1.8, 1.2, 0.9, 0.9)
    assert verdicts == ["healthy"] * 6 + ["declining"] + ["healthy"] * 3
    assert monitor.alarms == [{"verdict": "declining", "reason": "score is 1.8, its best was 1", "iteration": 7}]


def test_a_score_that_is_no_number_is_no_health():
    for scores in ((math.nan,) * 3, (1.0, *[math.nan] * 3)):
        assert measured(Monitor(), *scores)[-1] == "declining"


def test_what_metrics_miss_raises_an_alarm():
    monitor = Monitor()
    missed = {2, 4, 5, 6, 7}
    verdicts = measured(monitor, 1.0, *[2.0] * 8, collapses=lambda k: ["3 of 8 modes"] if k in missed else [])
    assert verdicts == ["healthy"] * 5 + ["collapsed"] * 2 + ["healthy"] * 2
    assert monitor.alarms == [{"verdict": "collapsed", "reason": "3 of 8 modes", "iteration": 6}]


def test_a_run_that_covers_more_and_more_is_not_collapsed():
    assert set(measured(Monitor(), *range(1, 9), goal="max", collapses=lambda k: ["few modes"])) == {"healthy"}


@pytest.mark.parametrize("planned", [1, 2, 5, 20])
def test_a_run_that_covers_little_to_the_end_is_collapsed_though_each_score_was_the_best(planned):
    monitor = Monitor()
    verdicts = measured(monitor, *range(planned), goal="max", collapses=lambda k: ["2 of 10 classes"], planned=planned)
    assert verdicts[-1] == "collapsed"
    assert set(verdicts[: planned // 2]) <= {"healthy"}, "it may have only begun to learn"


def test_a_collapse_in_the_last_measurement_needs_no_other_sign():
    assert measured(Monitor(), 1.0, 1.0, 2.0, collapses=lambda k: ["few"] if k == 3 else [], planned=3)[-1] == "collapsed"
    assert measured(Monitor(), 1.0, 1.0, 2.0, 1.0, collapses=lambda k: ["few"] if k == 3 else [], planned=9)[-1] == "healthy"


def test_samples_that_stay_less_spread_than_the_data_are_narrow():
    early = measured(Monitor(), *[1.0] * 10, narrow=lambda k: ["thin"] if k <= 7 else (), planned=10)
    assert set(early) == {"healthy"}, "in the first half of the budget it is no sign"
    verdicts = measured(Monitor(), *[1.0] * 10, narrow=lambda k: ["thin"], planned=10)
    assert verdicts == ["healthy"] * 7 + ["narrow"] * 3
    assert measured(Monitor(), *[1.0] * 10, narrow=lambda k: ["thin"] if k == 10 else (), planned=10)[-1] == "narrow"
    both = measured(Monitor(), *[1.0] * 10, narrow=lambda k: ["thin"], collapses=lambda k: ["few"], planned=10)
    assert both[-1] == "collapsed", "the graver of two"


@pytest.mark.parametrize(("planned", "alarm"), [(2, 2), (4, 3), (6, 4), (100, 4)])
def test_few_measurements_make_an_alarm_sooner(planned, alarm):
    monitor = Monitor(patience=3)
    measured(monitor, 1.0, *[2.0] * 8, collapses=lambda k: ["few modes"], planned=planned)
    assert monitor.alarms[0]["iteration"] == alarm


def test_the_usual_size_of_what_the_rules_compare_is_remembered():
    monitor, other = Monitor(), Monitor()
    monitor.judge_curves({"gradient_norm/g": 2.0, "health/separation": 0.8, "loss/d": 1.0, "my/tag": 1.0}, 1)
    other.load_state_dict(monitor.state_dict())
    assert other.usual.seen == {"gradient_norm/g": [2.0], "health/separation": [0.8]}
    assert (monitor.judged_at, other.usual("gradient_norm/g")) == (1, 2.0)
