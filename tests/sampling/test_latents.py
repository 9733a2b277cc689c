"""Latents to sample from: paths between them, truncated ones, labels."""

import math

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.sampling.latents import draw, interpolate, spread
from support.tiny import TINY_IMAGES, TINY_MLP, TINY_RING


@pytest.fixture
def pairs():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 7, generator=generator), torch.randn(5, 7, generator=generator)


@pytest.mark.parametrize("path", ["linear", "spherical"])
@pytest.mark.parametrize("steps", [2, 3, 10])
def test_a_path_has_its_ends(pairs, path, steps):
    a, b = pairs
    z = interpolate(a, b, steps, path)
    assert z.shape == (5, steps, 7) and z.dtype == a.dtype
    assert torch.equal(z[:, 0], a) and torch.equal(z[:, -1], b)


def test_a_linear_path_has_equal_steps(pairs):
    z = interpolate(*pairs, 5, "linear").diff(dim=1)
    torch.testing.assert_close(z, z[:, :1].expand_as(z))


def test_a_spherical_path_keeps_the_norm_and_turns_evenly(pairs):
    a, b = (3 * x / x.norm(dim=1, keepdim=True) for x in pairs)
    z = interpolate(a, b, 6, "spherical")
    torch.testing.assert_close(z.norm(dim=2), torch.full((5, 6), 3.0))
    angles = torch.acos((z[:, :-1] * z[:, 1:]).sum(2) / 9)
    torch.testing.assert_close(angles, angles[:, :1].expand_as(angles), rtol=1e-3, atol=1e-3)


def test_a_quarter_of_a_circle():
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    middle = interpolate(a, b, 3, "spherical")[0, 1]
    torch.testing.assert_close(middle, torch.full((2,), math.sqrt(2)))


@pytest.mark.parametrize("factor", [1.0, 2.0, 1 + 1e-7, -1.0, -3.0])
def test_parallel_latents_are_joined_by_a_line(pairs, factor):
    a = pairs[0]
    z = interpolate(a, factor * a, 4, "spherical")
    torch.testing.assert_close(z, interpolate(a, factor * a, 4, "linear"), rtol=1e-4, atol=1e-5)
    assert z.isfinite().all()


def test_nothing_jumps_between_nearly_parallel_latents(pairs):
    a, b = pairs[0].double(), pairs[1].double()
    for distance in (1e-4, 1e-6, 1e-8):
        z = interpolate(a, a + distance * b, 5, "spherical")
        assert (z - a[:, None]).norm(dim=2).max() <= 1.01 * distance * b.norm(dim=1).max()


@pytest.mark.parametrize("model", ["gan", "infogan"])
@pytest.mark.parametrize("truncation", [0.01, 0.5, 2.0])
def test_truncated_latents_keep_their_bound(ready, model, truncation):
    made = ready(*TINY_IMAGES, *TINY_MLP, f"model={model}", "network=mlp").model
    z = draw(made, 300, torch.Generator().manual_seed(1), truncation)
    assert z.shape == (300, 3) and z.abs().max() <= truncation
    # The entries within the bound are those without it.
    free = draw(made, 300, torch.Generator().manual_seed(1))
    inside = free.abs() <= truncation
    assert torch.equal(z[inside], free[inside]) and 0 < inside.sum() < inside.numel()


def test_truncated_latents_have_the_law_of_a_truncated_normal(ready):
    z = draw(ready(*TINY_RING, "model.noise=normal").model, 20_000, torch.Generator().manual_seed(1), 1.0)
    # The variance of a normal between -1 and 1 is 1 - 2 phi(1) / (2 Phi(1) - 1).
    assert z.var().item() == pytest.approx(0.2911, abs=0.01)


@pytest.mark.parametrize("noise", ["uniform", "mixture"])
def test_only_normal_latents_are_truncated(ready, noise):
    model = ready(*TINY_RING, f"model.noise={noise}").model
    with pytest.raises(ConfigError, match=f"model.noise={noise}, and only normal latents have tails to cut off") as caught:
        draw(model, 3, torch.Generator(), 0.5)
    assert caught.value.keys == ("truncation",)


def test_labels_are_spread_over_the_classes():
    assert spread(7, [4, 0, 2]).tolist() == [4, 4, 4, 0, 0, 2, 2]
    assert spread(2, [4, 0, 2]).tolist() == [4, 0]
