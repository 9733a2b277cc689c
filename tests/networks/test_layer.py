"""What surrounds the weights of a layer."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from ganexp.networks.initialisation import Initialisation
from ganexp.networks.layer import Layer, LayerOptions
from support.refused import refused


def kinds(modules):
    return [type(module).__name__ for module in modules]


def test_options_come_before_the_defaults_of_a_network_and_those_before_the_general_ones():
    given: LayerOptions = {"norm": "layer", "norm_eps": 0.5}
    layer = Layer.of(given, norm="batch", activation="tanh")
    assert (layer.norm, layer.norm_eps, layer.activation, layer.bias) == ("layer", 0.5, "tanh", "auto")
    assert set(LayerOptions.__annotations__) == set(Layer.__dataclass_fields__)


@pytest.mark.parametrize(
    ("norm", "vector", "map"),
    [
        ("none", [], []),
        ("batch", ["BatchNorm1d"], ["BatchNorm2d"]),
        ("layer", ["LayerNorm"], ["GroupNorm"]),
        ("instance", None, ["InstanceNorm2d"]),
    ],
)
def test_the_order_around_an_activation(norm, vector, map):
    before = Layer("silu", norm=norm, dropout=0.3)
    after = Layer("silu", norm=norm, norm_position="after", dropout=0.3)
    assert kinds(before.after_map(4)) == [*map, "SiLU", "Dropout"]
    assert kinds(after.after_map(4)) == ["SiLU", *map, "Dropout"]
    if vector is None:
        with refused("network"):
            before.after_vector(4)
    else:
        assert kinds(before.after_vector(4)) == [*vector, "SiLU", "Dropout"]
        assert kinds(after.after_vector(4)) == ["SiLU", *vector, "Dropout"]


def test_norms_of_maps_are_over_channels_and_space_or_space_alone():
    x = 3 + 2 * torch.randn(5, 4, 6, 6)
    for norm, dims in (("layer", (1, 2, 3)), ("instance", (2, 3)), ("batch", (0, 2, 3))):
        y = nn.Sequential(*Layer(norm=norm).after_map(4)[:1])(x)
        torch.testing.assert_close(y.mean(dims), torch.zeros_like(y.mean(dims)), atol=1e-4, rtol=0)
        torch.testing.assert_close(y.std(dims, correction=0), torch.ones_like(y.mean(dims)), atol=1e-3, rtol=0)


def test_the_slope_of_leaky_relu():
    assert Layer("leaky_relu").make_activation().negative_slope == 0.2
    assert Layer("leaky_relu", slope=0.1).make_activation().negative_slope == 0.1
    with refused("network"):
        Layer("relu", slope=0.1).make_activation()


def test_each_hidden_layer_can_have_its_own_dropout():
    assert [layer.dropout for layer in Layer(dropout=0.3).each(2)] == [0.3, 0.3]
    layers = Layer(dropout=[0.25, 0, 0.5]).each(3)
    assert [kinds(layer.after_vector(2)) for layer in layers] == [["ReLU", "Dropout"], ["ReLU"], ["ReLU", "Dropout"]]
    for depth in (0, 2, 4):
        with refused("network"):
            Layer(dropout=[0.25, 0, 0.5]).each(depth)


def test_spectral_norm_and_initialisation_reach_every_module_with_a_matrix():
    network = nn.Sequential(
        nn.Linear(3, 4), nn.Embedding(3, 4), nn.Conv1d(3, 4, 2), nn.Conv2d(3, 4, 2), nn.ConvTranspose2d(3, 4, 2),
        nn.ConvTranspose1d(3, 4, 2), nn.BatchNorm1d(3), nn.LayerNorm(3),
    )  # fmt: skip
    Layer(init=Initialisation("normal", scale=1e-6), spectral_norm=True).finish(network)
    *matrices, batch, layer = network
    for module in matrices:
        assert parametrize.is_parametrized(module, "weight")
        assert module.parametrizations.weight.original.abs().max() < 1e-4
    for norm in (batch, layer):
        assert not parametrize.is_parametrized(norm) and torch.equal(norm.weight, torch.ones(3))
