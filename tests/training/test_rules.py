"""What is a sign of trouble, and what is none."""

import math
import re

import pytest

from ganexp.training import rules
from ganexp.training.rules import Usual

HEALTHY = {
    "loss/d": 0.7, "loss/g": 1.1, "gradient_norm/d": 0.4, "gradient_norm/g": 2.0,
    "health/separation": 0.8, "health/spread": 0.3,
}  # fmt: skip


def usual() -> Usual:
    seen = Usual()
    for _ in range(5):
        for tag, value in HEALTHY.items():
            seen.add(tag, value)
    return seen


def signs(values: dict[str, float], seen: Usual) -> dict[str, str]:
    """Return the signs that the rules on curves find."""
    said = {rule.__name__: rule(values, seen) for rule in (rules.explosion, rules.blindness, rules.vanishing)}
    return {rule: reason for rule, reason in said.items() if reason}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"health/separation": 1.0},  # common: a generator learns from a discriminator that is always right
        {"health/separation": 0.5, "gradient_norm/g": 1e-3},  # both have learnt what there is
        {"gradient_norm/d": 40.0, "gradient_norm/g": 100.0},
        {"loss/d": -3000.0, "loss/g": 3000.0},
    ],
)
def test_what_happens_in_healthy_runs_is_no_sign(change):
    assert signs(HEALTHY | change, usual()) == {}


@pytest.mark.parametrize(
    ("change", "rule", "reason"),
    [
        ({"loss/g": -2e5}, "explosion", r"loss/g is -2e\+05"),
        ({"gradient_norm/d": 4e4}, "explosion", r"gradient_norm/d is 4e\+04, 100,000 times the usual one"),
        ({"health/spread": 0.0}, "blindness", "its logits are constant"),
        ({"gradient_norm/g": 1e-7}, "vanishing", "^the generator's gradient has vanished: its norm is 1e-07, usually 2"),
        ({"gradient_norm/g": 1e-3, "health/separation": 1.0}, "vanishing", "always right, and the generator's gradient"),
        ({"gradient_norm/g": 0.0}, "vanishing", "vanished"),
    ],
)
def test_signs_on_the_curves(change, rule, reason):
    (found,) = signs(HEALTHY | change, usual()).items()
    assert found[0] == rule
    assert re.search(reason, found[1])


def test_a_generator_without_any_gradient_from_the_start_is_named():
    assert "vanishing" in signs(HEALTHY | {"gradient_norm/g": 0.0}, Usual())
    # A classifier that is trained alone plays no game.
    assert signs({"loss/d": 0.1, "loss/g": 0.0, "gradient_norm/d": 1.0, "gradient_norm/g": 0.0}, Usual()) == {}


def test_what_is_usual_is_the_median_of_the_first_finite_ones():
    seen = Usual()
    assert seen("x") is None
    for value in [math.nan, *range(rules.FIRST), *[1e9] * 100]:
        seen.add("x", float(value))
    assert seen("x") == (rules.FIRST - 1) / 2
    assert Usual(seen.seen)("x") == seen("x")


@pytest.mark.parametrize(
    ("value", "best", "real", "lower", "sign"),
    [
        (21.0, 10.0, 2.0, True, True),
        (19.0, 10.0, 2.0, True, False),
        (0.030, 0.001, 0.016, True, False),  # luck near what real data scores
        (0.033, 0.001, 0.016, True, True),
        (math.nan, 10.0, 2.0, True, True),
        (21.0, 10.0, None, True, True),
        (21.0, 10.0, math.nan, True, True),
        (0.4, 0.9, 0.95, False, True),
        (0.5, 0.9, 0.95, False, False),
        (0.5, 1.2, 0.9, False, False),
        (5.0, -0.1, -0.2, True, False),  # a ratio says nothing here
    ],
)
def test_decline_is_measured_from_the_best_and_from_real_data(value, best, real, lower, sign):
    said = rules.decline("score", value, best, real, lower, factor=2.0)
    assert bool(said) == sign
    assert not said or (said.startswith("score is ") and said.endswith(f"its best was {best:.4g}"))


def test_a_discriminator_that_ranks_training_samples_above_and_held_out_ones_below_generated_ones_overfits():
    found = {"health/recognised": 0.97, "health/held_out": 0.32}
    shares = "more real than generated ones 97 % of the time, held-out ones 32 %"
    assert rules.overfitting(found) == f"the discriminator knows its training samples by heart: it finds them {shares}"
    for held_out in (0.5, 0.67, 0.99, math.nan):  # those of a perfect generator are like held-out ones
        assert rules.overfitting(found | {"health/held_out": held_out}) is None
    assert rules.overfitting(found | {"health/recognised": 0.6}) is None, "it knows too little to tell"


def test_narrow_samples_are_named_by_their_distance():
    assert rules.narrowness(0.016, 0.15) == "samples hardly differ: they lie 1.6 % as far apart as real ones"
    assert rules.narrowness(0.2, 0.15) is None
    assert rules.narrowness(math.nan, 0.15) is None  # real samples have no distance
