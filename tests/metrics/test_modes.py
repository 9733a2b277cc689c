import math

import pytest
import torch
from torch import Tensor

from ganexp.config.build import build
from ganexp.config.errors import ConfigError
from ganexp.data import Density, Digits, Grid, Mixture, Ring
from ganexp.metrics import ModeCoverage, Reference


def score(points: Tensor, data: Mixture) -> dict[str, float]:
    reference = Reference(data)
    return ModeCoverage()(reference.samples(points), reference)


def drawn(data: Mixture, counts: list[int], width: float = 1.0) -> Tensor:
    """Draw so many points from each component, their deviations scaled."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    noise = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(5))
    return data.centres[labels] + width * data.sd * noise


@pytest.mark.parametrize("data", [Ring(), Grid()])
def test_real_points_cover_every_mode(data: Mixture) -> None:
    scores = score(data.load("test")[0], data)
    assert scores["modes"] == data.num_classes == scores["modes/total"]
    assert scores["high_quality"] == pytest.approx(1 - math.exp(-9 / 2), abs=0.002)
    assert scores["mode_spread"] == pytest.approx(1, abs=0.01)
    bias = (data.num_classes - 1) / (2 * data.size)
    assert 0 < scores["mode_kl"] < 3 * bias and 0 < scores["mode_kl_reverse"] < 3 * bias


@pytest.mark.parametrize("data", [Ring(), Grid(), Ring(components=1)])
def test_quality_ends_at_three_standard_deviations(data: Mixture) -> None:
    away = torch.tensor([data.sd, 0.0])
    inside, outside = score(data.centres + 2.99 * away, data), score(data.centres + 3.01 * away, data)
    assert (inside["modes"], inside["high_quality"]) == (data.num_classes, 1.0)
    assert (outside["modes"], outside["high_quality"]) == (0.0, 0.0)


def test_one_good_sample_covers_a_mode() -> None:
    ring = Ring()
    scores = score(torch.cat([ring.centres[2:3], torch.zeros(3, 2)]), ring)
    assert (scores["modes"], scores["high_quality"]) == (1.0, 0.25)


def test_the_divergences_are_those_of_the_shares() -> None:
    ring = Ring(components=4)
    counts = [50, 30, 20, 0]
    scores = score(drawn(ring, counts), ring)
    assert scores["mode_kl"] == pytest.approx(sum(n / 100 * math.log(4 * n / 100) for n in counts if n))
    assert scores["mode_kl_reverse"] == pytest.approx(sum(math.log(104 / (4 * (n + 1))) / 4 for n in counts))
    assert scores["modes/largest"] == 0.5
    even = score(drawn(ring, [25] * 4), ring)
    assert even["mode_kl"] == even["mode_kl_reverse"] == pytest.approx(0, abs=1e-12)


def test_one_mode_has_the_largest_divergence() -> None:
    grid = Grid()
    assert score(drawn(grid, [100] + [0] * 24), grid)["mode_kl"] == pytest.approx(math.log(25))


@pytest.mark.parametrize("width", [0.1, 0.5, 1.0])
def test_the_spread_is_relative_to_a_gaussian_cut_off(width: float) -> None:
    grid = Grid()
    spread = score(drawn(grid, [2000] * 25, width), grid)["mode_spread"]
    # Narrow ones lose nothing by the cut: their width is that of whole Gaussians.
    cut = 1 if width == 1 else math.sqrt(1 - 4.5 / math.expm1(4.5))
    assert spread == pytest.approx(width / cut, rel=0.01)


def test_points_beside_the_centre_have_no_spread() -> None:
    ring = Ring()
    beside = (ring.centres + ring.sd).repeat(10, 1)
    assert score(beside, ring)["mode_spread"] == pytest.approx(0, abs=1e-5)
    assert score(ring.centres, ring)["mode_spread"] == 0.0


def test_samples_that_are_not_finite_are_bad() -> None:
    ring = Ring()
    scores = score(torch.tensor([[math.nan, 0.0], [math.inf, 0.0], [1.0, 0.0], [1.0, -math.inf]]), ring)
    assert (scores["modes"], scores["high_quality"]) == (1.0, 0.25)


def test_without_a_finite_sample_all_values_are_the_worst() -> None:
    ring = Ring()
    scores = score(torch.full((100, 2), math.nan), ring)
    one = score(drawn(ring, [100] + [0] * 7), ring)
    assert (scores["modes"], scores["high_quality"], scores["mode_spread"]) == (0, 0, 0)
    assert all(scores[name] == one[name] for name in ("mode_kl", "mode_kl_reverse", "modes/largest"))
    assert ModeCoverage().collapse(scores) == "mode collapse: 0 of 8 modes are covered"


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([100] * 8, None),
        ([100] * 5 + [0] * 3, None),
        ([100] * 4 + [0] * 4, "mode collapse: 4 of 8 modes are covered"),
        ([100] + [0] * 7, "mode collapse: 1 of 8 modes is covered"),
        ([93] + [1] * 7, "mode collapse: 1 of 8 modes holds 93 % of the samples"),
        ([48, 52, 1, 1, 1, 1, 1, 1], None),
    ],
)
def test_collapse_is_told_from_the_values(counts: list[int], sentence: str | None) -> None:
    ring = Ring(components=len(counts))
    values = score(drawn(ring, counts, 0.5), ring)
    assert ModeCoverage().collapse(values) == sentence
    assert ModeCoverage(least_covered=0.0, most_in_one=1.0).collapse(values) is None


@pytest.mark.parametrize(
    ("counts", "width", "sentence"),
    [
        ([100] * 8, 1.0, None),
        ([100] * 8, 0.65, "the modes are too thin: "),
        ([100] * 7 + [40], 1.0, "the weights of the modes are off: one has 43 % of its due"),
        ([30] * 7 + [5], 1.0, None),  # too few to tell
    ],
)
def test_narrow_modes_are_told_from_the_values(counts: list[int], width: float, sentence: str | None) -> None:
    ring = Ring()
    values = score(drawn(ring, counts, width), ring)
    found = ModeCoverage().narrowness(values, {})
    assert found is None if sentence is None else (found or "").startswith(sentence)
    assert ModeCoverage(least_spread=0.0, least_share=0.0).narrowness(values, {}) is None


def test_few_samples_are_not_asked_for_more_modes_than_real_points_cover() -> None:
    grid = Grid()
    few, fewer = score(drawn(grid, [1] * 10 + [0] * 15, 0.1), grid), score(drawn(grid, [5, 5] + [0] * 23, 0.1), grid)
    assert few["modes/expected"] == pytest.approx(25 * (1 - (1 - 0.98889 / 25) ** 10), abs=1e-3)
    assert ModeCoverage().collapse(few) is None
    assert ModeCoverage().collapse(fewer) == "mode collapse: 2 of 25 modes are covered"


def test_two_modes_may_be_uneven() -> None:
    ring = Ring(components=2)
    assert ModeCoverage().collapse(score(drawn(ring, [99, 1]), ring)) is None


def test_data_without_modes_is_refused() -> None:
    ModeCoverage().check(Reference(Ring()))
    for data in (Digits(), Density()):
        with pytest.raises(ConfigError) as caught:
            ModeCoverage().check(Reference(data))
        assert caught.value.keys == ("metrics", "data")


@pytest.mark.parametrize("option", ["least_covered", "most_in_one"])
def test_fractions_above_one_are_refused(option: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build({"_target_": "ganexp.metrics.ModeCoverage", option: 1.5}, "metrics.modes")
    assert caught.value.keys == (f"metrics.modes.{option}",)


def test_real_points_of_another_dimension_cover_every_mode() -> None:
    data = Mixture(torch.eye(5), 0.05, size=20_000)
    scores = score(data.load("test")[0], data)
    assert scores["modes"] == 5 and scores["mode_spread"] == pytest.approx(1, abs=0.02)
    assert scores["high_quality"] == pytest.approx(0.891, abs=0.01)  # of 5 degrees of freedom, chi squared below 9
