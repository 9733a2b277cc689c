"""Products of filters by hand, for every kind of layer and under spectral norm."""

import math

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganexp.models.regularizers.orthogonal import Orthogonal
from ganexp.networks.equalised import EqualConv2d, EqualLinear
from ganexp.networks.modulation import ModulatedConv
from ganexp.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from support.judging import judged_latents


def given(network):
    z, y = torch.randn(2, 3, dtype=torch.double), torch.zeros(2, dtype=torch.int64)
    return judged_latents(lambda x, y: x.sum(1), lambda z, y: z, z, y, network=network)


def by_hand(filters):
    """Sum the squares of the products of different filters."""
    return sum((a * b).sum() ** 2 for i, a in enumerate(filters) for j, b in enumerate(filters) if i != j)


def test_the_term_is_the_sum_over_all_pairs_of_filters():
    torch.manual_seed(0)
    layers = nn.ModuleList(
        [nn.Linear(3, 4), nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(2, 3, 3), nn.Embedding(5, 4), nn.BatchNorm2d(3)]
    ).double()
    term = Orthogonal(weight=0.5)(given(layers))
    filters = [layers[0].weight, layers[1].weight, layers[2].weight.transpose(0, 1), layers[3].weight.T]
    torch.testing.assert_close(term, 0.5 * sum(map(by_hand, filters)), rtol=1e-12, atol=0)
    (slope,) = torch.autograd.grad(term, layers[0].weight)
    weight = layers[0].weight
    products = weight @ weight.T
    torch.testing.assert_close(slope, 0.5 * 4 * (products - products.diagonal().diag()) @ weight)


def test_orthogonal_filters_cost_nothing_whatever_their_norm():
    layer = nn.Linear(4, 3)
    nn.init.orthogonal_(layer.weight, gain=7.0)
    assert Orthogonal(weight=1.0)(given(layer)) < 1e-6


def test_under_spectral_norm_it_sees_the_weights_that_learn():
    layer = spectral_norm(nn.Linear(3, 4))
    with torch.no_grad():
        layer.parametrizations.weight.original.mul_(9)
    raw = layer.parametrizations.weight.original
    torch.testing.assert_close(Orthogonal(weight=1.0)(given(layer)), by_hand(raw), check_dtype=False)


def test_it_concerns_either_player(trained):
    assert Orthogonal().player == "g"
    terms = []
    for player in "dg":
        run = trained("model=dcgan", "data=digits", "data.batch_size=16", "metrics=none", "network.generator.channels=4",
                      "network.discriminator.channels=4", "penalty=orthogonal", f"penalty.player={player}",
                      "trainer.max_iterations=2", folder=player)  # fmt: skip
        terms.append((run.run.path / "metrics.csv").read_text().splitlines()[0])
    assert "loss/d/penalty" in terms[0] and "loss/g/penalty" in terms[1] and "loss/d/penalty" not in terms[1]


def scaled(layer):
    """Write out the weights with which a layer of StyleGAN2 computes."""
    weight = layer.weight
    if isinstance(layer, ModulatedConv):
        norms = weight.flatten(1).norm(dim=1) if layer.demodulate else torch.tensor(math.sqrt(weight[0].numel()))
        return weight.flatten(1) / norms.unsqueeze(-1)
    rate = layer.rate if isinstance(layer, EqualLinear) else 1
    return weight.flatten(1) * rate / math.sqrt(weight[0].numel())


@pytest.mark.parametrize("player", [StyleGAN2Generator, StyleGAN2Discriminator])
def test_layers_that_scale_their_weights_are_seen_as_they_compute(player):
    torch.manual_seed(0)
    options = {"channels": 4, "mapping_layers": 2}
    network = player(6, (1, 8, 8), style_dim=5, **options) if player is StyleGAN2Generator else player((1, 8, 8), 3, **options)
    layers = [module for module in network.modules() if isinstance(module, ModulatedConv | EqualLinear | EqualConv2d)]
    term = Orthogonal()(given(network))
    torch.testing.assert_close(term, 1e-4 * sum(by_hand(scaled(layer)) for layer in layers))
    assert all(slope.any() for slope in torch.autograd.grad(term, [layer.weight for layer in layers if len(layer.weight) > 1]))


def test_the_default_weight_leaves_room_for_the_loss_of_stylegan2():
    torch.manual_seed(0)
    network = StyleGAN2Generator(512, (3, 32, 32), channels=128, mapping_layers=2)
    assert 0.01 < Orthogonal()(given(network)) < 1
