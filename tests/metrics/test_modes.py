import math

import pytest
import torch

from ganexp.data import Digits, Grid, Mixture, Ring
from ganexp.errors import ConfigError
from ganexp.metrics import ModeCoverage


@pytest.mark.parametrize("data", [Ring(), Grid()])
def test_real_points_cover_every_mode(data: Mixture) -> None:
    scores = ModeCoverage()(data.load("test")[0], data)
    assert scores["modes"] == data.num_classes
    assert scores["high_quality"] == pytest.approx(1 - math.exp(-9 / 2), abs=0.002)


@pytest.mark.parametrize("data", [Ring(), Grid(), Ring(components=1)])
def test_quality_ends_at_three_standard_deviations(data: Mixture) -> None:
    away = torch.tensor([data.sd, 0.0])
    metric = ModeCoverage()
    assert metric(data.centres + 2.99 * away, data) == {"modes": data.num_classes, "high_quality": 1.0}
    assert metric(data.centres + 3.01 * away, data) == {"modes": 0.0, "high_quality": 0.0}


def test_one_good_sample_covers_a_mode() -> None:
    ring = Ring()
    samples = torch.cat([ring.centres[2:3], torch.zeros(3, 2)])
    assert ModeCoverage()(samples, ring) == {"modes": 1.0, "high_quality": 0.25}


def test_samples_that_are_not_finite_are_bad() -> None:
    ring = Ring()
    samples = torch.tensor([[math.nan, 0.0], [math.inf, 0.0], [1.0, 0.0], [1.0, -math.inf]])
    assert ModeCoverage()(samples, ring) == {"modes": 1.0, "high_quality": 0.25}


def test_data_without_modes_is_refused() -> None:
    ModeCoverage().check(Ring())
    with pytest.raises(ConfigError) as caught:
        ModeCoverage().check(Digits())
    assert caught.value.keys == ("metrics", "data")
