import copy
import math
import pickle
from typing import Any

import pytest
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data import Density, Digits, Grid, Mixture, Points, Ring
from ganexp.metrics import MaximumMeanDiscrepancy, Metric, PointCoverage, Reference, SlicedWasserstein

ALL = pytest.mark.parametrize("metric", [SlicedWasserstein, MaximumMeanDiscrepancy, PointCoverage])
DATA = pytest.mark.parametrize(
    "data", [Ring(size=5000), Grid(size=5000), Density("spiral", size=5000)], ids=lambda d: type(d).__name__
)


def score(metric: Metric, points: Tensor, reference: Reference) -> float:
    (value,) = metric(reference.samples(points), reference).values()
    return value


def real(reference: Reference, n: int, split: Any = "train") -> Tensor:
    return reference.real(split, n).x


def drawn(data: Mixture, n: int, width: float = 1.0, modes: int | None = None) -> Tensor:
    """Draw from the mixture, or from its first modes, the deviations scaled."""
    generator = torch.Generator().manual_seed(7)
    labels = torch.randint(modes or data.num_classes, (n,), generator=generator)
    return data.centres[labels] + width * data.sd * torch.randn(n, 2, generator=generator)


@pytest.mark.parametrize(("n", "m"), [(37, 100), (100, 100), (250, 100), (1, 100), (100, 1), (64, 31)])
def test_sliced_wasserstein_is_exact_for_any_numbers_of_points(n: int, m: int) -> None:
    reference = Reference(Ring(size=m, sd=0.2))
    points = drawn(Ring(sd=0.5), n)
    angles = [math.pi * (line + 0.5) / 7 for line in range(7)]
    expected = [
        wasserstein_distance(
            *((x.double() @ torch.tensor([math.cos(a), math.sin(a)]).double()) for x in (points, real(reference, m)))
        )
        for a in angles
    ]
    assert score(SlicedWasserstein(directions=7), points, reference) == pytest.approx(sum(expected) / 7, rel=1e-5)


@pytest.mark.parametrize("shift", [(0.3, 0.0), (-3.0, 4.0)])
def test_moved_points_are_as_far_as_they_were_moved(shift: tuple[float, float]) -> None:
    reference = Reference(Ring(size=1000))
    moved = real(reference, 1000) + torch.tensor(shift)
    assert score(SlicedWasserstein(), moved, reference) == pytest.approx(math.hypot(*shift) * 2 / math.pi, rel=2e-3)
    assert score(SlicedWasserstein(), real(reference, 1000), reference) == 0


def test_the_directions_are_enough() -> None:
    reference = Reference(Grid(size=5000))
    points = drawn(Grid(), 1000, modes=20)
    few, many = (score(SlicedWasserstein(directions), points, reference) for directions in (32, 512))
    assert few == pytest.approx(many, rel=5e-3)


@pytest.mark.parametrize(("n", "m"), [(40, 60), (2, 2), (60, 40)])
@pytest.mark.parametrize("far", [1.0, 50.0])
def test_the_discrepancy_is_its_definition(n: int, m: int, far: float) -> None:
    reference = Reference(Grid(size=m))
    x, r = far * drawn(Grid(), n, 2.0).double(), real(reference, m).double()
    width = r.var(0, correction=0).mean().sqrt()

    def k(a: Tensor, b: Tensor) -> Tensor:
        squared = (a[:, None] - b).square().sum(-1)
        return sum(torch.exp(-squared / (2 * (width / 4**power) ** 2)) for power in range(4)) / 4  # type: ignore[return-value]

    expected = (k(x, x).sum() - n) / (n * (n - 1)) + (k(r, r).sum() - m) / (m * (m - 1)) - 2 * k(x, r).mean()
    assert score(MaximumMeanDiscrepancy(), x.float(), reference) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("n", [20, 60])
def test_coverage_is_its_definition(n: int) -> None:
    reference = Reference(Ring(size=300))
    points, r = drawn(Ring(), n, 3.0), real(reference, n)
    radii = torch.cdist(r.double(), r.double()).sort(1).values[:, 3]
    expected = (torch.cdist(r.double(), points.double()).amin(1) <= radii).double().mean()
    assert score(PointCoverage(neighbours=3), points, reference) == pytest.approx(float(expected))


@DATA
def test_held_out_points_score_as_expected(data: Points) -> None:
    reference = Reference(data)
    floor = real(reference, 2500, "test")
    assert score(PointCoverage(), floor, reference) == pytest.approx(1 - 2**-5, abs=0.012)
    assert abs(score(MaximumMeanDiscrepancy(), floor, reference)) < 0.002
    spread = float(real(reference, 5000).std(0).mean())
    assert 0 < score(SlicedWasserstein(), floor, reference) < 0.05 * spread


@DATA
@ALL
def test_noise_is_far_from_everything(data: Points, metric: type[Metric]) -> None:
    reference = Reference(data)
    left, right, bottom, top = data.limits
    unit = torch.rand(2500, 2, generator=torch.Generator().manual_seed(0))
    noise = torch.tensor([left, bottom]) + torch.tensor([right - left, top - bottom]) * unit.square()
    floor, found = (score(metric(), points, reference) for points in (real(reference, 2500, "test"), noise))
    assert found < 0.7 * floor if metric is PointCoverage else found > 4 * abs(floor)


@ALL
@pytest.mark.parametrize("data", [Ring(size=5000), Grid(size=5000)], ids=lambda d: type(d).__name__)
def test_a_missing_mode_is_seen(data: Mixture, metric: type[Metric]) -> None:
    reference = Reference(data)
    # One of eight modes, or two of 25.
    kept = data.num_classes - (1 if data.num_classes == 8 else 2)
    whole, missing = (score(metric(), drawn(data, 2500, modes=modes), reference) for modes in (None, kept))
    assert missing < whole - 0.03 if metric is PointCoverage else missing > 2 * abs(whole)


@pytest.mark.parametrize("data", [Ring(size=5000), Grid(size=5000)], ids=lambda d: type(d).__name__)
def test_the_width_of_the_modes_is_seen(data: Mixture) -> None:
    reference = Reference(data)
    for metric, sign in ((MaximumMeanDiscrepancy(), 1), (PointCoverage(), -1)):
        right, *wrong = (score(metric, drawn(data, 2500, width), reference) for width in (1.0, 0.5, 2.0, 0.0))
        assert all(sign * value > sign * right + 5e-4 for value in wrong)
        assert sign * wrong[2] > sign * wrong[0], "a point is worse than half the width"


def test_a_shape_too_thin_is_seen() -> None:
    data = Density("spiral", size=20_000)
    reference = Reference(data)
    floor = real(reference, 20_000, "test")
    thin = floor[data.density(floor) >= data.level(0.6)][:2500]
    assert len(thin) == 2500
    assert score(PointCoverage(), thin, reference) < score(PointCoverage(), floor[:2500], reference) - 0.03


def test_samples_that_are_not_finite_are_bad() -> None:
    reference = Reference(Ring(size=2000))
    points = real(reference, 2000, "test").clone()
    whole = {metric: score(metric(), points, reference) for metric in (MaximumMeanDiscrepancy, PointCoverage)}
    points[::4, 0], points[1::4, 1] = math.nan, -math.inf
    assert score(SlicedWasserstein(), points, reference) == math.inf
    assert score(MaximumMeanDiscrepancy(), points, reference) > 20 * abs(whole[MaximumMeanDiscrepancy])
    assert score(PointCoverage(), points, reference) < whole[PointCoverage] - 0.05
    nothing = torch.full((100, 2), math.nan)
    assert score(SlicedWasserstein(), nothing, reference) == math.inf
    assert score(PointCoverage(), nothing, reference) == 0
    assert 0 < score(MaximumMeanDiscrepancy(), nothing, reference) < 2


@pytest.mark.parametrize("far", [1e10, 1e30])
def test_samples_far_away_are_bad(far: float) -> None:
    reference = Reference(Ring(size=2000))
    points = far * drawn(Ring(), 100)
    assert score(SlicedWasserstein(), points, reference) > far / 2
    assert score(PointCoverage(), points, reference) == 0
    assert score(MaximumMeanDiscrepancy(), points, reference) > 0.1


def test_too_few_points_have_no_value() -> None:
    one, reference = torch.zeros(1, 2), Reference(Ring(size=2000))
    assert math.isnan(score(MaximumMeanDiscrepancy(), one, reference))
    assert math.isnan(score(MaximumMeanDiscrepancy(), torch.zeros(9, 2), Reference(Ring(size=1))))
    assert math.isnan(score(PointCoverage(), torch.zeros(5, 2), reference))
    assert not math.isnan(score(PointCoverage(), torch.zeros(6, 2), reference))
    assert math.isnan(score(PointCoverage(), torch.zeros(9, 2), Reference(Ring(size=5))))


@ALL
def test_nothing_is_drawn_and_nothing_mixed_up(metric: type[Metric]) -> None:
    ring, grid = Reference(Ring(size=3000)), Reference(Grid(size=3000))
    points = drawn(Ring(), 1500)
    kept, before, state = metric(), points.clone(), torch.get_rng_state()
    first = score(kept, points, ring)
    other = score(kept, points, grid)
    assert score(kept, points[:100], ring) != first == score(kept, points, ring) != other
    assert score(metric(), points, grid) == other
    assert torch.equal(points, before) and torch.equal(torch.get_rng_state(), state)
    for again in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        assert score(again, points, ring) == first


def test_more_samples_than_are_looked_at_are_taken_from_all_over() -> None:
    reference = Reference(Ring(size=3000))
    by_mode = drawn(Ring(), 3000)
    by_mode = by_mode[torch.atan2(by_mode[:, 1], by_mode[:, 0]).argsort()]
    assert score(MaximumMeanDiscrepancy(most=300), by_mode, reference) < 0.02
    assert score(PointCoverage(most=300), by_mode, reference) > 0.9


@ALL
def test_images_are_refused(metric: type[Metric]) -> None:
    with pytest.raises(ConfigError) as caught:
        metric().check(Reference(Digits()))
    assert caught.value.keys == ("metrics", "data")


@pytest.mark.parametrize("dimension", [1, 5])
def test_points_of_any_dimension_are_measured(dimension: int) -> None:
    data = Mixture(2 * torch.eye(dimension), 0.3, size=4000)
    reference = Reference(data)
    far = real(reference, 1000, "test") + 3.0
    for metric, worse in ((SlicedWasserstein(), 1), (MaximumMeanDiscrepancy(), 1), (PointCoverage(), -1)):
        good, bad = score(metric, real(reference, 1000, "test"), reference), score(metric, far, reference)
        assert worse * bad > worse * good
    if dimension == 1:
        points = real(reference, 1000, "test")
        exact = wasserstein_distance(points[:, 0].numpy(), real(reference, 4000)[:, 0].numpy())
        assert score(SlicedWasserstein(), points, reference) == pytest.approx(exact, rel=1e-4)
