"""The nearest training samples, against a search without any cleverness."""

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.data import Digits, Ring
from ganexp.metrics.neighbours import CHUNK, Reference

SETS = [Digits(), Ring(size=2 * CHUNK + 17), Ring(size=40, sd=1e-4)]
NAMES = ["images", "three chunks of points", "points close together"]


@pytest.mark.parametrize("data", SETS, ids=NAMES)
@pytest.mark.parametrize("k", [1, 5])
def test_agrees_with_all_distances_sorted(data, k):
    real = data.decode(data.load("train")[0])
    low, high = real.min(), real.max()
    samples = low + (high - low) * torch.rand(9, *data.shape, generator=torch.Generator().manual_seed(0))
    found = Reference(data, k).nearest(samples)
    distances = (samples.double().flatten(1)[:, None] - real.double().flatten(1)).norm(dim=2)
    expected, indices = distances.sort(dim=1)
    torch.testing.assert_close(found.distances, expected[:, :k].float(), rtol=1e-6, atol=1e-7)
    assert torch.equal(found.indices, indices[:, :k])


@pytest.mark.parametrize("data", SETS, ids=NAMES)
def test_a_training_sample_is_its_own_nearest(data):
    real = data.decode(data.load("train")[0])
    chosen = torch.tensor([0, 7, len(real) - 1])
    reference = Reference(data, 2)
    found = reference.nearest(real[chosen])
    assert torch.equal(found.indices[:, 0], chosen) and (found.distances[:, 0] == 0).all()
    assert (found.distances[:, 1] > 0).all()
    assert torch.equal(reference.samples(found.indices)[:, 0], real[chosen])
    assert reference.samples(found.indices).shape == (3, 2, *data.shape)


def test_searches_no_more_than_the_training_split():
    data = Digits(subset=20)
    assert Reference(data, 20).nearest(torch.zeros(1, 1, 8, 8)).indices.sort().values.tolist() == [list(range(20))]
    with pytest.raises(ConfigError, match="only 20 training samples") as caught:
        Reference(data, 21)
    assert caught.value.keys == ("neighbours",)


def test_samples_that_are_not_finite_have_no_distance():
    found = Reference(Digits(), 2).nearest(torch.full((1, 1, 8, 8), torch.nan))
    assert found.distances.isnan().all()
