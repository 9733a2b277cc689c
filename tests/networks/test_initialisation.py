"""Initial weights."""

import math
from typing import get_args

import pytest
import torch
from torch import nn

from ganexp.networks.initialisation import Distribution, Initialisation, weighted
from support.refused import refused

NAMES = [name for name in get_args(Distribution) if name != "default"]
INPUTS, OUTPUTS = 40, 60


def layers() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(INPUTS, OUTPUTS),
        nn.Conv2d(INPUTS, OUTPUTS, 4),
        nn.ConvTranspose2d(INPUTS, OUTPUTS, 4),
        nn.Embedding(OUTPUTS, INPUTS),
        nn.LayerNorm(3),
    )


def drawn(init: Initialisation) -> nn.Sequential:
    torch.manual_seed(0)
    network = layers()
    init(network)
    return network


def expected_std(name: str, area: int) -> float:
    inputs, outputs = INPUTS * area, OUTPUTS * area
    return {
        "normal": 0.02,
        "truncated_normal": 0.02 * 0.8796,  # of a unit normal cut at +-2
        "xavier_uniform": math.sqrt(2 / (inputs + outputs)),
        "xavier_normal": math.sqrt(2 / (inputs + outputs)),
        "kaiming_uniform": math.sqrt(2 / inputs),
        "kaiming_normal": math.sqrt(2 / inputs),
        "orthogonal": 1 / math.sqrt(max(inputs, OUTPUTS)),
    }[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_distribution_has_its_standard_deviation_and_no_bias(name: str) -> None:
    *matrices, norm = drawn(Initialisation(name))
    for layer, area in zip(matrices, (1, 16, 16, 1), strict=True):
        assert layer.weight.std().item() == pytest.approx(expected_std(name, area), rel=0.05)
        assert layer.weight.mean().item() == pytest.approx(0, abs=0.1 * expected_std(name, area))
        assert isinstance(layer, nn.Embedding) or not layer.bias.any()
        assert layer.weight.requires_grad
    assert torch.equal(norm.weight, torch.ones(3))


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_multiplies_the_weights(name: str) -> None:
    default = 0.02 if name in ("normal", "truncated_normal") else 1.0
    once, twice = drawn(Initialisation(name)), drawn(Initialisation(name, scale=2 * default))
    for a, b in zip(once[:4], twice[:4], strict=True):
        torch.testing.assert_close(2 * a.weight, b.weight)


@pytest.mark.parametrize("name", NAMES)
def test_gains_multiply_xavier_weights_alone(name: str) -> None:
    def make(gain: float | None) -> torch.Tensor:
        network = layers()
        torch.manual_seed(0)
        Initialisation(name)(network, None if gain is None else {network[1]: gain})
        assert network[1] in weighted(network)
        return network[1].weight

    torch.testing.assert_close(make(3.0), make(None) * (3 if name.startswith("xavier") else 1))


def test_truncated_normal_is_cut_at_two_standard_deviations() -> None:
    assert drawn(Initialisation("truncated_normal"))[1].weight.abs().max() <= 0.04


def test_orthogonal_rows_are_orthonormal() -> None:
    weight = drawn(Initialisation("orthogonal"))[1].weight.flatten(1)
    torch.testing.assert_close(weight @ weight.T, torch.eye(OUTPUTS), atol=1e-5, rtol=0)


def test_default_leaves_a_network_as_torch_made_it() -> None:
    network = layers()
    before = [parameter.clone() for parameter in network.parameters()]
    Initialisation()(network)
    assert all(map(torch.equal, before, network.parameters()))
    with refused("network"):
        Initialisation(scale=0.5)


@pytest.mark.parametrize("name", NAMES)
def test_every_distribution_works_without_memory(name: str) -> None:
    with torch.device("meta"):
        network = layers()
    Initialisation(name)(network)


@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_biases_can_be_drawn_as_the_weights_are(name: str) -> None:
    network = nn.Linear(1, 10_000)
    torch.manual_seed(0)
    Initialisation(name, scale=0.5, bias="same")(network)
    assert network.bias.std().item() == pytest.approx(0.5 * expected_std(name, 1) / 0.02, rel=0.05)
    assert network.bias.mean().item() == pytest.approx(0, abs=0.02)
    assert (network.bias.abs().max() <= 1) == (name == "truncated_normal")
    assert network.bias.requires_grad
    assert network.bias.is_leaf


@pytest.mark.parametrize("name", sorted(set(get_args(Distribution)) - {"normal", "truncated_normal"}))
def test_biases_cannot_be_drawn_from_distributions_of_matrices(name: str) -> None:
    with refused("network"):
        Initialisation(name, bias="same")
