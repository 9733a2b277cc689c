import math

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.data import Digits, Ring
from ganexp.metrics import Memorisation, Reference
from support.features import Shades


@pytest.fixture(scope="module")
def digits():
    return Reference(Digits())


def test_values_are_those_of_the_formulas(digits):
    metric = Memorisation()
    train = digits.data.decode(digits.data.load("train")[0]).flatten(1).double()
    held_out = torch.cdist(digits.data.decode(digits.data.load("test")[0]).flatten(1).double(), train).amin(1)
    samples = digits.real("train", 50).x + 0.05 * torch.randn(50, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    samples = digits.samples(samples.clamp(-1, 1), value_range=(-1, 1))
    nearest = torch.cdist(samples.x.flatten(1).double(), train).amin(1)
    values = metric(samples, digits)
    assert values["nearest_ratio"] == pytest.approx(float(nearest.median() / held_out.median()), rel=1e-5)
    assert values["copied"] == pytest.approx(float((nearest <= held_out.quantile(0.01)).double().mean()))
    assert 0 < values["nearest_ratio"] < 1 and values["copied"] > 0.9


def test_held_out_images_are_no_copies_and_training_images_are(digits):
    metric = Memorisation()
    assert metric(digits.real("test", 360), digits) == {"nearest_ratio": 1, "copied": pytest.approx(0.01, abs=0.003)}
    assert metric(digits.real("train", 200), digits) == {"nearest_ratio": 0, "copied": 1}
    noise = torch.randint(0, 256, (100, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    values = metric(digits.samples(noise), digits)
    assert values["nearest_ratio"] > 2 and values["copied"] == 0


def test_some_copies_among_many_are_found(digits):
    raw = torch.cat([digits.real("train", 40).raw, digits.real("test", 360).raw])
    values = Memorisation(most=1000)(digits.samples(raw), digits)
    assert values["copied"] == pytest.approx(0.1 + 0.9 * 0.01, abs=0.005) and values["nearest_ratio"] > 0.85
    # In whatever order they come.
    assert Memorisation(most=100)(digits.samples(raw), digits)["copied"] == pytest.approx(0.1, abs=0.08)


def test_a_model_that_learned_from_a_subset_is_compared_with_all_images():
    reference = Reference(Digits(subset=10))
    assert Memorisation()(reference.samples(Digits().load("train")[0][-50:]), reference) == {"nearest_ratio": 0, "copied": 1}


def test_what_cannot_be_measured(digits):
    assert all(map(math.isnan, Memorisation()(digits.samples(torch.empty(0, 1, 8, 8, dtype=torch.uint8)), digits).values()))
    assert Memorisation()(digits.real("train", 1), digits)["copied"] == 1
    # Held-out images that are all training images: distances of 0, and no division stops the run.
    shades = Reference(Shades(3, 3))
    assert Memorisation()(shades.real("test", 6), shades)["copied"] == 1
    with pytest.raises(ConfigError) as caught:
        Memorisation().check(Reference(Ring()))
    assert caught.value.keys == ("metrics", "data") and caught.value.hint
