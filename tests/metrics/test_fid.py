import math
from types import SimpleNamespace

import pytest
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from ganexp.data import Digits
from ganexp.metrics import FID
from ganexp.metrics.features import AsTheyAre
from ganexp.metrics.reference import Moments
from support.features import reference_of, with_features


def gaussian(mean, variances, n=200):
    """Vectors whose mean and covariance are exactly these."""
    x = torch.randn(n, len(mean), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = x - x.mean(0)
    # Columns that are orthonormal, and orthogonal to the constant.
    x = torch.linalg.qr(x).Q * math.sqrt(n - 1)
    return x * torch.tensor(variances, dtype=torch.float64).sqrt() + torch.tensor(mean, dtype=torch.float64)


@pytest.mark.parametrize(
    ("mean", "variances"),
    [((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((3.0, 0.0, -4.0), (4.0, 0.25, 9.0)), ((1.0, 1.0, 1.0), (0.0, 0.0, 1.0))],
)
def test_the_distance_of_gaussians_is_that_of_the_formula(mean, variances):
    reference = SimpleNamespace(
        moments=Moments(torch.tensor([0.0, 1.0, 2.0]).double(), torch.diag(torch.tensor([1.0, 4.0, 2.25])).double(), 500)
    )
    samples = SimpleNamespace(features=SimpleNamespace(vectors=gaussian(mean, variances)))
    expected = sum((a - b) ** 2 for a, b in zip(mean, (0, 1, 2), strict=True))
    expected += sum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(variances, (1, 4, 2.25), strict=True))
    assert FID()(samples, reference)["fid"] == pytest.approx(expected, abs=1e-6)


def test_it_is_that_of_torchmetrics_and_of_torch_fidelity_on_all_features():
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    reference = reference_of(Digits())
    samples = reference.real("test", 300)
    train = reference.see(reference.data.load("train")[0]).vectors
    theirs = FrechetInceptionDistance(AsTheyAre(16))
    theirs.update(train.double(), real=True)
    theirs.update(samples.features.vectors.double(), real=False)
    ours = FID()(samples, reference)["fid"]
    assert ours == pytest.approx(float(theirs.compute()), rel=1e-9)
    statistics = [metric_fid.fid_features_to_statistics(vectors) for vectors in (samples.features.vectors, train)]
    other = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    assert ours == pytest.approx(next(iter(other.values())), rel=1e-3)


def test_worse_samples_are_further_away():
    reference = reference_of(Digits())
    test = reference.real("test", 360)
    score = {"real": FID()(test, reference)["fid"]}
    score["subset"] = FID()(reference.samples(test.raw[test.y < 3]), reference)["fid"]
    noise = torch.randint(0, 256, (360, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    score["noise"] = FID()(reference.samples(noise), reference)["fid"]
    assert FID()(reference.real("train", 10_000), reference)["fid"] == pytest.approx(0, abs=1e-4)
    assert 0 < score["real"] < score["subset"] / 5 < score["noise"] / 10


def test_fewer_samples_than_entries_are_measured_and_a_single_one_is_not():
    reference = reference_of(Digits())
    vectors = reference.real("test", 10).features.vectors
    assert 0 < FID()(with_features(reference, vectors), reference)["fid"] < math.inf
    assert math.isnan(FID()(with_features(reference, vectors[:1]), reference)["fid"])
