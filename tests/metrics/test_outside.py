import math

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.config.build import build
from ganexp.config.errors import ConfigError
from ganexp.data import Density, Digits, Ring
from ganexp.metrics import MassOutside, Reference


def score(points, data, *arguments):
    reference = Reference(data)
    return MassOutside(*arguments)(reference.samples(points), reference)


def ramp(tmp_path) -> Density:
    """A picture of 10,000 pixels that all differ, as 1 to 10,000."""
    values = np.random.default_rng(0).permutation(10_000) + 1.0
    Image.fromarray(values.reshape(80, 125).astype(np.float32)).save(tmp_path / "ramp.tif")
    return Density(str(tmp_path / "ramp.tif"), size=200_000)


@pytest.mark.parametrize("mass", [0.5, 0.9, 0.99])
def test_real_samples_leave_out_the_rest_of_the_mass(tmp_path, mass):
    data = ramp(tmp_path)
    deviation = math.sqrt(mass * (1 - mass) / 200_000)
    assert score(data.load("test")[0], data, mass)["mass_outside"] == pytest.approx(1 - mass, abs=5 * deviation + 1e-3)


def test_uniform_noise_lies_outside_by_area(tmp_path):
    data = ramp(tmp_path)
    noise = torch.rand(200_000, 2, generator=torch.Generator().manual_seed(0))
    # The pixels 1 to k, which hold the share (k / n)^2 of the mass, are outside.
    assert score(noise, data, 0.99)["mass_outside"] == pytest.approx(0.1, abs=0.005)


@pytest.mark.parametrize("path", ["two_blobs", "letters", "moons", "spiral", "two_blobs_classes"])
def test_the_examples_have_few_ties(path):
    data = Density(path, size=50_000)
    assert score(data.load("test")[0], data)["mass_outside"] == pytest.approx(0.009, abs=0.003)


def test_pixels_that_tie_belong_to_the_region():
    data = Density("checkerboard", size=10_000)
    assert score(data.load("test")[0], data) == {"mass_outside": 0.0}
    noise = torch.rand(100_000, 2, generator=torch.Generator().manual_seed(0))
    assert score(noise, data, 0.01)["mass_outside"] == pytest.approx(0.5, abs=0.01)


def test_a_bridge_between_two_blobs_is_outside():
    data = Density("two_blobs", size=10)
    blobs = torch.tensor([[80.0, 164.0], [176.0, 92.0]]) / 256
    bridge = blobs[0] + torch.linspace(0.4, 0.6, 10)[:, None] * (blobs[1] - blobs[0])
    assert score(torch.cat([blobs, bridge, blobs, blobs]), data) == {"mass_outside": pytest.approx(10 / 16)}


def test_samples_off_the_square_or_not_finite_are_outside(tmp_path):
    Image.fromarray(np.full((2, 2), 9, np.uint8)).save(tmp_path / "flat.png")
    data = Density(str(tmp_path / "flat.png"))
    samples = torch.tensor(
        [[0.5, 0.5], [1.0, 0.0], [1.1, 0.5], [0.5, -0.1], [math.nan, 0.5], [math.inf, 0.5], [0.5, -math.inf]]
    )
    assert score(samples, data, 1.0) == {"mass_outside": pytest.approx(5 / 7)}


def test_other_data_is_refused():
    MassOutside().check(Reference(Density()))
    for data in (Digits(), Ring()):
        with pytest.raises(ConfigError) as caught:
            MassOutside().check(Reference(data))
        assert caught.value.keys == ("metrics", "data")


@pytest.mark.parametrize("mass", [0, 1.5, "most"])
def test_a_share_that_is_none_is_refused(mass):
    with pytest.raises(ConfigError) as caught:
        build({"_target_": "ganexp.metrics.MassOutside", "mass": mass}, "metrics.outside")
    assert caught.value.keys == ("metrics.outside.mass",)
