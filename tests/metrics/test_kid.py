import math

import pytest
import torch

from ganexp.data import Digits
from ganexp.metrics import KID
from support.features import reference_of, with_features


class Few(Digits):
    """Few images, and no others."""

    def whole(self):
        return self


def by_hand(generated, real):
    """The formula of the module, term by term."""
    m, size = generated.shape
    kernel = lambda a, b: (float(a @ b) / size + 1) ** 3  # noqa: E731
    inner = sum(kernel(x[i], x[j]) for x in (generated, real) for i in range(m) for j in range(m) if i != j)
    return inner / (m * (m - 1)) - 2 * sum(kernel(a, b) for a in generated for b in real) / m**2


def test_one_draw_of_all_is_the_formula():
    reference = reference_of(Few(subset=25))
    real = reference.real("train", 25)
    generated = reference.real("test", 25)
    expected = by_hand(generated.features.vectors.double(), real.features.vectors.double())
    values = KID(subsets=1)(generated, reference)
    assert values == {"kid": pytest.approx(expected, rel=1e-9), "kid/sd": 0}


def test_it_is_that_of_torch_fidelity():
    theirs = pytest.importorskip("torch_fidelity.metric_kid")
    reference = reference_of(Digits())
    real, generated = reference.real("train", 10_000), reference.real("test", 360)
    ours = KID(subsets=50, subset_size=200)(generated, reference)
    draws = {"kid_subsets": 50, "kid_subset_size": 200, "verbose": False}
    other = theirs.kid_features_to_metric(generated.features.vectors, real.features.vectors, **draws)
    # Other draws of the same distribution.
    assert ours["kid"] == pytest.approx(other[theirs.KEY_METRIC_KID_MEAN], abs=3 * ours["kid/sd"] / math.sqrt(50))
    assert ours["kid/sd"] == pytest.approx(other[theirs.KEY_METRIC_KID_STD], rel=0.5)


def test_real_images_score_nothing_and_noise_much():
    reference = reference_of(Digits())
    metric = KID(subsets=10, subset_size=300)
    noise = torch.randint(0, 256, (400, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    real, bad = metric(reference.real("test", 360), reference), metric(reference.samples(noise), reference)
    assert bad["kid"] > 100 * abs(real["kid"]) and bad["kid"] > 10 * bad["kid/sd"]
    test = reference.real("test", 360)
    assert metric(reference.samples(test.raw[test.y < 3]), reference)["kid"] > 10 * abs(real["kid"])


def test_draws_are_no_larger_than_what_there_is():
    reference = reference_of(Digits())
    vectors = reference.real("test", 7).features.vectors
    assert math.isfinite(KID(subsets=2)(with_features(reference, vectors), reference)["kid"])
    values = KID(subsets=2)(with_features(reference, vectors[:1]), reference)
    assert all(map(math.isnan, values.values()))
