import math

import pytest
import torch

from ganexp.data import Digits
from ganexp.metrics import PRDC
from support.features import reference_of, with_features


def by_hand(generated, real, k, k_density):
    """The formulas of the module, point by point."""

    def radius(points, i, k):
        return sorted(math.dist(points[i], points[j]) for j in range(len(points)) if j != i)[k - 1]

    g, r, n = generated.tolist(), real.tolist(), len(real)
    near_g, near_r = ([radius(points, i, k) for i in range(n)] for points in (g, r))
    far_r = [radius(r, j, k_density) for j in range(n)]
    inside = [[math.dist(g[i], r[j]) <= far_r[j] for j in range(n)] for i in range(n)]
    return {
        "precision": sum(any(math.dist(g[i], r[j]) <= near_r[j] for j in range(n)) for i in range(n)) / n,
        "recall": sum(any(math.dist(g[i], r[j]) <= near_g[i] for i in range(n)) for j in range(n)) / n,
        "density": sum(map(sum, inside)) / (k_density * n),
        "coverage": sum(any(row[j] for row in inside) for j in range(n)) / n,
    }


def shifted(reference, n, shift, split="test"):
    vectors = reference.real(split, n).features.vectors
    return with_features(reference, vectors + shift * torch.linspace(0, 1, vectors.shape[1]))


@pytest.mark.parametrize("k", [(1, 2), (3, 5)])
def test_values_are_those_of_the_formulas(k):
    reference = reference_of(Digits())
    samples = shifted(reference, 60, 2.0)
    real = reference.real("train", 60).features.vectors
    expected = by_hand(samples.features.vectors.double(), real.double(), *k)
    values = PRDC(k=k[0], k_density=k[1])(samples, reference)
    assert values == {name: pytest.approx(value) for name, value in expected.items()}
    assert all(0 < value < 1 for value in values.values())


def test_samples_without_the_diversity_of_the_data_are_narrow():
    reference = reference_of(Digits())
    metric = PRDC()
    real = metric(reference.real("test", 200), reference)
    assert metric.narrowness(real, real) is None
    one = reference.real("test", 200).features.vectors[:1]
    near_one = with_features(reference, one + 0.01 * torch.randn(200, one.shape[1], generator=torch.Generator().manual_seed(1)))
    assert "recall" in (metric.narrowness(metric(near_one, reference), real) or "")
    assert metric.narrowness({"recall": math.nan}, real) is None and metric.narrowness({"recall": 0.1}, {}) is None


def test_many_are_measured_in_parts_as_torch_fidelity_measures_them():
    theirs = pytest.importorskip("torch_fidelity.metric_prc")
    reference = reference_of(Digits())
    samples = shifted(reference, 1200, 2.0, "train")
    generated, real = samples.features.vectors.double(), reference.real("train", 1200).features.vectors.double()
    options = {"prc_neighborhood": 3, "prc_batch_size": 100, "save_cpu_ram": False, "verbose": False}
    expected = theirs.prc_features_to_metric(generated, real, **options)
    inside = torch.cdist(generated, real) <= torch.cdist(real, real).kthvalue(6, dim=0).values
    expected |= {"density": float(inside.sum() / (5 * 1200)), "coverage": float(inside.any(0).double().mean())}
    values = PRDC()(samples, reference)
    assert values == {name: pytest.approx(expected[name], abs=1e-6) for name in values}


def test_real_images_score_what_is_said():
    reference = reference_of(Digits())
    values = PRDC()(reference.real("test", 360), reference)
    assert values["coverage"] == pytest.approx(1 - 2**-5, abs=0.04) and values["density"] == pytest.approx(1, abs=0.1)
    assert values["precision"] == pytest.approx(values["recall"], abs=0.1) and values["precision"] > 0.8


def test_missing_classes_cost_recall_and_coverage_only():
    reference = reference_of(Digits())
    train = reference.real("train", 10_000)
    all_there = PRDC()(reference.real("test", 140), reference)
    half = PRDC()(reference.samples(train.raw[train.y < 3][:140]), reference)
    assert half["recall"] < all_there["recall"] / 1.3 and half["coverage"] < all_there["coverage"] / 1.5
    assert half["precision"] > all_there["precision"] - 0.1 and half["density"] > all_there["density"] - 0.2


def test_noise_and_constants_score_badly():
    reference = reference_of(Digits())
    noise = torch.randint(0, 256, (200, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    values = PRDC()(reference.samples(noise), reference)
    # Balls around noise are large, so some real images lie in them.
    assert max(values["precision"], values["density"], values["coverage"]) < 0.1 and values["recall"] < 0.5
    constant = PRDC()(reference.samples(reference.real("train", 1).raw.expand(200, -1, -1, -1)), reference)
    assert constant["precision"] == 1 and constant["recall"] <= 0.005 and constant["coverage"] < 0.1


def test_equally_many_are_compared_whatever_their_order():
    reference = reference_of(Digits())
    test = reference.real("test", 360)
    ordered = reference.samples(test.raw[test.y.argsort()])
    values = PRDC(most=100)(ordered, reference)
    # The first hundred would be of three classes.
    assert values["coverage"] > 0.9 and values["recall"] > 0.7
    samples = reference.samples(torch.cat([reference.real("train", 10_000).raw] * 2))
    assert PRDC()(samples, reference)["precision"] == 1


@pytest.mark.parametrize("n", [1, 5, 6])
def test_few_samples(n):
    reference = reference_of(Digits())
    values = PRDC()(reference.real("test", n), reference)
    assert all(math.isnan(value) == (n <= 5) for value in values.values()) and len(values) == 4
