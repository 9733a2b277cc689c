"""What all metrics of images have in common."""

import pickle

import pytest
import torch

from ganexp.config.build import build
from ganexp.config.compose import compose_option
from ganexp.config.errors import ConfigError
from ganexp.data import Digits, Ring
from ganexp.metrics import CAS, FID, KID, PRDC, Classes, ClassFID, InceptionScore, Memorisation, Reference
from ganexp.metrics.extractors import Classifier
from ganexp.metrics.measurement import fitting
from support.features import ShadeReader, reference_of

METRICS = [CAS(seen=512), FID(), KID(subsets=3), PRDC(), ClassFID(), Classes(), InceptionScore(), Memorisation()]
EACH = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)


class DigitReader(ShadeReader):
    """Says that it knows the digits; what it sees is as good as any."""


@pytest.fixture(scope="module")
def reference():
    return reference_of(Digits(), DigitReader())


@EACH
def test_it_is_a_function_of_the_samples(metric, reference):
    test = reference.real("test", 200)
    samples = reference.samples(test.raw.clone(), test.y.clone())
    before = torch.get_rng_state()
    metric.check(reference)
    values = metric(samples, reference)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(samples.raw, test.raw) and torch.equal(samples.y, test.y)
    assert all(type(value) is float for value in values.values()) and set(metric.goals) <= set(values)
    torch.rand(3)
    assert metric(samples, reference) == values
    copy = pickle.loads(pickle.dumps(metric))
    assert copy(samples, reference) == values and len(pickle.dumps(metric)) < 1000


@EACH
@pytest.mark.parametrize("n", [1, 2])
def test_few_samples_do_no_harm(metric, reference, n):
    values = metric(reference.real("train", n), reference)
    assert values and all(type(value) is float for value in values.values())


@EACH
def test_points_are_refused(metric):
    with pytest.raises(ConfigError) as caught:
        metric.check(Reference(Ring(), Classifier()))
    assert caught.value.hint


def nodes(name):
    return compose_option("metrics", name)


@pytest.mark.parametrize("name", ["images", "classes", "full"])
def test_the_configs_say_the_defaults(name):
    for key, node in nodes(name).items():
        metric = build(node, f"metrics.{key}")
        assert vars(metric) == vars(type(metric)()) == {option: node[option] for option in node if option != "_target_"}


def test_the_best_image_model_is_chosen_by_fid():
    for name in ("images", "full"):
        built = {key: build(node, f"metrics.{key}") for key, node in nodes(name).items()}
        fit = fitting(built, Reference(Digits(), Classifier()))
        assert next(goal for metric in fit.values() for goal in metric.goals) == "fid"


def test_full_has_all_that_the_others_have():
    full = nodes("full")
    for name in ("points", "images", "classes"):
        assert full == full | nodes(name)
    fit = fitting({key: build(node, f"metrics.{key}") for key, node in full.items()}, Reference(Digits(), Classifier()))
    assert {type(metric) for metric in fit.values()} == {type(metric) for metric in METRICS}
