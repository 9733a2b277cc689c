"""Numbers of different protocols are told apart."""

from copy import deepcopy

import pytest

from ganexp.config.errors import ConfigError
from ganexp.runs.protocol import differences, digest, headings, require_same

FID, MODES = {"_target_": "ganexp.metrics.FID"}, {"_target_": "ganexp.metrics.ModeCoverage", "least_covered": 0.6}


def protocol(**changed):
    return {
        "data": {"name": "MNIST", "fingerprint": "aa11", "split": "train"},
        "extractor": {"name": "classifier", "hash": "1a2b", "test_accuracy": 0.99},
        "samples": 10_000,
        "real": 10_000,
        "ema": True,
        "seed": 1,
        "metrics": {"fid": FID, "modes": MODES},
        **changed,
    }


SAME = protocol()
EQUAL = {
    "accuracy": protocol(extractor={"name": "classifier", "hash": "1a2b", "test_accuracy": 0.98}),
    "iteration": protocol(iteration=12),
    "order": protocol(metrics={"modes": dict(reversed(MODES.items())), "fid": FID}),
}
DIFFERENT = {
    "data": (protocol(data={"name": "CIFAR10", "fingerprint": "bb22", "split": "train"}), ["data MNIST is not CIFAR10"]),
    "content": (
        protocol(data={"name": "MNIST", "fingerprint": "bb22", "split": "train"}),
        ["data fingerprint aa11 is not bb22"],
    ),
    "split": (protocol(data={"name": "MNIST", "fingerprint": "aa11", "split": "test"}), ["data split train is not test"]),
    "extractor": (protocol(extractor={"name": "inception", "hash": "5e6f"}), ["extractor classifier is not inception"]),
    "no extractor": (protocol(extractor=None), ["extractor classifier is not none"]),
    "weights": (protocol(extractor={"name": "classifier", "hash": "3c4d"}), ["extractor hash 1a2b is not 3c4d"]),
    "samples": (protocol(samples=500), ["samples 10000 is not 500"]),
    "real": (protocol(real=360), ["real samples 10000 is not 360"]),
    "ema": (protocol(ema=False), ["EMA is not used in one"]),
    "seed": (protocol(seed=2), ["seed 1 is not 2"]),
    "option": (
        protocol(metrics={"fid": FID, "modes": {**MODES, "least_covered": 0.5}}),
        ["modes.least_covered 0.6 is not 0.5"],
    ),
    "new option": (protocol(metrics={"fid": {**FID, "shift": [1, 2]}, "modes": MODES}), ["fid.shift is [1, 2] in one only"]),
    "class": (
        protocol(metrics={"fid": {"_target_": "other.FID"}, "modes": MODES}),
        ['fid "ganexp.metrics.FID" is not "other.FID"'],
    ),
    "fewer": (protocol(metrics={"modes": MODES}), ["fid is measured in one only"]),
    "none": (protocol(metrics={}), ["fid, modes are measured in one only"]),
    "unknown": (protocol(precision="16"), ['precision is "16" in one only']),
    "several": (protocol(seed=2, ema=False), ["EMA is not used in one", "seed 1 is not 2"]),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_moves_no_number_makes_no_difference(name):
    assert differences(SAME, EQUAL[name]) == []
    assert digest(SAME) == digest(EQUAL[name])


@pytest.mark.parametrize("name", DIFFERENT)
def test_each_difference_is_one_sentence_and_another_digest(name):
    other, sentences = DIFFERENT[name]
    before = deepcopy((SAME, other))
    assert differences(SAME, other) == sentences
    assert len(differences(other, SAME)) == len(sentences)
    assert digest(SAME) != digest(other)
    assert (SAME, other) == before


def test_digests_are_short_and_always_the_same():
    assert digest(SAME) == digest(deepcopy(SAME)) and len(digest(SAME)) == 8
    int(digest(SAME), 16)
    assert len({digest(other) for other, _ in DIFFERENT.values()}) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("value", "name", "concerns"),
    [
        ("fid", "option", False),
        ("modes", "option", True),
        ("mode_kl", "option", True),
        ("modes", "new option", False),
        ("fid", "new option", True),
        ("modes", "weights", False),
        ("fid", "weights", True),
        ("fid", "real", False),
        ("modes", "samples", True),
        ("modes", "data", True),
        ("fid", "fewer", True),
        ("modes", "fewer", False),
        # Nobody claims it: everything counts.
        ("share/7", "option", True),
        ("share/7", "weights", True),
    ],
)
def test_a_value_is_concerned_by_its_own_metric_and_what_that_looks_at(value, name, concerns):
    other, _ = DIFFERENT[name]
    assert bool(differences(SAME, other, value)) == concerns
    assert bool(differences(other, SAME, value)) == concerns


def test_headings_hold_what_varies_and_nothing_else():
    other = protocol(ema=False, seed=2, extractor=None, metrics={"modes": {**MODES, "least_covered": 0.5}})
    assert headings([SAME, other, SAME]) == [
        "extractor classifier; EMA used; seed 1; modes.least_covered 0.6; metrics fid",
        "extractor none; EMA not used; seed 2; modes.least_covered 0.5",
        "extractor classifier; EMA used; seed 1; modes.least_covered 0.6; metrics fid",
    ]
    assert headings([SAME, EQUAL["accuracy"]]) == ["", ""]


def test_comparing_numbers_of_different_protocols_is_refused():
    other = protocol(ema=False, extractor={"name": "classifier", "hash": "3c4d"})
    require_same({"a": SAME, "b": EQUAL["order"]})
    require_same({})
    says = "the numbers of a and c cannot be compared: extractor hash 1a2b is not 3c4d; EMA is not used in one"
    with pytest.raises(ConfigError, match=says):
        require_same({"a": SAME, "b": EQUAL["accuracy"], "c": other})
    with pytest.raises(ConfigError, match="modes of a and c cannot be compared: EMA is not used in one"):
        require_same({"a": SAME, "c": other}, "modes")
    require_same({"a": SAME, "c": protocol(extractor=None)}, "modes")
