import math

import pytest
import torch
from torch import Tensor

from ganexp.data import Grid, Mixture, Points, Ring, Split


def test_the_default_ring_is_the_published_one() -> None:
    ring = Ring()
    assert ring.centres.shape == (8, 2) and ring.sd == 0.01 and ring.num_classes == 8
    torch.testing.assert_close(ring.centres.norm(dim=1), torch.ones(8))
    torch.testing.assert_close(torch.nn.functional.pdist(ring.centres).min(), torch.tensor(2 * math.sin(math.pi / 8)))


def test_the_default_grid_is_the_published_one() -> None:
    grid = Grid()
    expected = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(centre) for centre in grid.centres.tolist()} == expected
    assert grid.sd == 0.05 and grid.num_classes == 25


@pytest.mark.parametrize("count", [1, 2, 3, 17])
def test_centres_are_distinct(count: int) -> None:
    assert len(Ring(components=count).centres.unique(dim=0)) == count
    grid = Grid(per_side=count, spacing=0.5)
    assert grid.centres.shape == (count**2, 2) and len(grid.centres.unique(dim=0)) == count**2
    torch.testing.assert_close(grid.centres.mean(0), torch.zeros(2))


@pytest.mark.parametrize("mixture", [Ring(size=20_000), Grid(size=20_000), Ring(components=1, sd=0.5, size=20_000)])
def test_samples_follow_their_component(mixture: Mixture) -> None:
    x, y = mixture.load("train")
    assert x.shape == (20_000, 2)
    noise = (x - mixture.centres[y]) / mixture.sd
    assert noise.mean().abs() < 0.03 and abs(noise.std() - 1) < 0.03
    counts = y.bincount(minlength=mixture.num_classes) / len(y)
    torch.testing.assert_close(counts, torch.full_like(counts, 1 / mixture.num_classes), atol=0.02, rtol=0)


def test_samples_do_not_depend_on_the_global_seed() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = Ring(size=100).load("train")[0]
        state = torch.get_rng_state()
        second = Ring(size=100).load("train")[0]
        assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first, second)
    assert not torch.equal(first, Ring(size=100).load("test")[0])


@pytest.mark.parametrize("mixture", [Ring(sd=0.1), Grid(per_side=2, spacing=1.0, sd=0.2)])
def test_density_is_the_mixture_of_normals_and_sums_to_one(mixture: Mixture) -> None:
    components = torch.distributions.Independent(torch.distributions.Normal(mixture.centres, mixture.sd), 1)
    weights = torch.distributions.Categorical(torch.ones(mixture.num_classes))
    reference = torch.distributions.MixtureSameFamily(weights, components)
    ticks = torch.linspace(-3, 3, 201)
    points = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), dim=-1)
    density = mixture.density(points)
    assert density.shape == (201, 201)
    torch.testing.assert_close(density, reference.log_prob(points).exp(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(density.sum() * 0.03**2, torch.tensor(1.0), atol=1e-3, rtol=0)


def test_density_of_many_components_is_evaluated_in_parts() -> None:
    grid = Grid(per_side=100, sd=0.5)
    points = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(grid.density(points), torch.cat([grid.density(part) for part in points.split(7)]))


class Line(Points):
    """Points on a line, and nothing else that is known of them."""

    def load(self, split: Split) -> tuple[Tensor, None]:
        x = torch.linspace(2, 3, 50 if split == "test" else 100)
        return torch.stack([x, 5 - x], dim=1), None


class Still(Points):
    """One point, again and again."""

    def load(self, split: Split) -> tuple[Tensor, None]:
        return torch.ones(20, 2), None


def test_points_need_nothing_but_load() -> None:
    line = Line(batch_size=7)
    assert (line.batch_size, line.drop_last, line.num_classes) == (7, True, 0)
    assert line.density(torch.zeros(3, 2)) is None
    assert line.fingerprint == Line().fingerprint != Still().fingerprint


@pytest.mark.parametrize("data", [Ring(), Grid(), Ring(components=1), Grid(per_side=1), Line(), Still()])
def test_limits_show_every_sample(data: Points) -> None:
    left, right, bottom, top = data.limits
    x, y = data.load("test")[0].unbind(1)
    assert left < x.min() and x.max() < right and bottom < y.min() and y.max() < top


def test_points_are_kept_as_they_are() -> None:
    points = torch.tensor([[1e9, -math.inf], [math.nan, 0.25]], dtype=torch.float64)
    encoded = Ring().encode(points)
    assert encoded.dtype == torch.float32 and torch.equal(encoded.nan_to_num(7.0), points.float().nan_to_num(7.0))


def test_the_fingerprint_is_that_of_the_distribution_and_the_number_of_points() -> None:
    same = Ring(batch_size=3, drop_last=False)
    assert same.fingerprint == Ring().fingerprint and same.whole() is same
    others = [Ring(), Ring(sd=0.02), Ring(radius=2.0), Ring(components=9), Ring(size=9), Grid(), Grid(spacing=1.0)]
    assert len({data.fingerprint for data in others}) == len(others)


class Cloud(Points):
    """Points of some dimension, with a spread of their own along each axis."""

    def __init__(self, spread: list[float]) -> None:
        super().__init__()
        self.spread, self.shape = torch.tensor(spread), (len(spread),)

    def load(self, split: Split) -> tuple[Tensor, None]:
        return 5 + self.spread * torch.randn(2000, len(self.spread), generator=torch.Generator().manual_seed(0)), None


def test_pictures_show_the_plane_in_which_points_lie_widest() -> None:
    cloud = Cloud([0.1, 3.0, 0.1, 1.0])
    places = cloud.in_plane(cloud.load("test")[0])
    torch.testing.assert_close(places.std(0), torch.tensor([3.0, 1.0]), rtol=0.05, atol=0)
    moved = cloud.in_plane(torch.tensor([[5.0, 8.0, 5.0, 5.0], [5.0, 5.0, 5.0, 6.0]]))
    torch.testing.assert_close(moved, torch.tensor([[3.0, 0.0], [0.0, 1.0]]), rtol=0, atol=0.3)
    left, right, bottom, top = cloud.limits
    assert left < places[:, 0].min() and places[:, 0].max() < right and bottom < places[:, 1].min() and places[:, 1].max() < top


def test_a_line_and_the_plane_are_drawn_as_they_are() -> None:
    line = Cloud([2.0])
    x = line.load("test")[0]
    assert torch.equal(line.in_plane(x)[:, 1], torch.zeros(2000))
    torch.testing.assert_close(line.in_plane(x)[:, 0], x[:, 0] - x.mean())
    plane = Ring(size=10).load("test")[0]
    assert torch.equal(Ring(size=10).in_plane(plane), plane)


def test_a_mixture_of_another_dimension() -> None:
    mixture = Mixture(torch.eye(3), 0.1, size=20_000)
    x, _ = mixture.load("train")
    assert mixture.shape == (3,) and x.shape == (20_000, 3)
    normal = torch.distributions.Independent(torch.distributions.Normal(torch.eye(3), 0.1), 1)
    expected = normal.log_prob(x[:5, None]).exp().mean(1)
    torch.testing.assert_close(mixture.density(x[:5]), expected)
