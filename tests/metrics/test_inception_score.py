import math

import pytest
import torch

from ganexp.data import Digits
from ganexp.metrics import InceptionScore
from support.features import reference_of, with_features


@pytest.fixture
def score():
    reference = reference_of(Digits())

    def measure(logits, **options):
        return InceptionScore(**options)(with_features(reference, torch.zeros(len(logits), 1), logits), reference)

    return measure


def test_the_best_score_is_the_number_of_classes(score):
    sure = 1000 * torch.eye(5).repeat(40, 1)  # probabilities that float32 rounds to 0
    assert score(sure, splits=1)["inception_score"] == pytest.approx(5)
    assert score(sure[:, [0, 0, 2, 2, 2]], splits=1)["inception_score"] < 3
    assert score(torch.zeros(200, 5)) == {"inception_score": pytest.approx(1), "inception_score/sd": pytest.approx(0, abs=1e-9)}
    assert score(1000 * torch.eye(5)[:1].repeat(200, 1))["inception_score"] == pytest.approx(1)


def test_one_part_is_the_formula_and_that_of_torch_fidelity(score):
    theirs = pytest.importorskip("torch_fidelity.metric_isc")
    logits = 3 * torch.randn(100, 7, generator=torch.Generator().manual_seed(0))
    p = logits.double().softmax(1)
    expected = math.exp(float((p * (p / p.mean(0)).log()).sum(1).mean()))
    values = score(logits, splits=1)
    assert values["inception_score"] == pytest.approx(expected) and math.isnan(values["inception_score/sd"])
    other = theirs.isc_features_to_metric(logits, splits=1)
    assert other[theirs.KEY_METRIC_ISC_MEAN] == pytest.approx(expected, rel=1e-6)


def test_parts_have_a_deviation_and_few_samples_are_no_trouble(score):
    logits = 3 * torch.randn(100, 7, generator=torch.Generator().manual_seed(0))
    values = score(logits)
    assert 1 < values["inception_score"] < score(logits, splits=1)["inception_score"] and values["inception_score/sd"] > 0
    assert score(logits[:1])["inception_score"] == pytest.approx(1)
    assert math.isfinite(score(logits[:11])["inception_score"])
    assert all(map(math.isnan, score(logits[:0]).values()))
