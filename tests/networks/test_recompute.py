"""Blocks whose insides are computed again: the same bits as blocks that keep them, and less that is kept."""

import copy

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from ganexp.networks.biggan import BigGANGenerator
from ganexp.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from ganexp.networks.recompute import Recomputable
from ganexp.networks.resnet import ResNetDiscriminator, ResNetGenerator
from ganexp.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator

IMAGE, LATENT, CLASSES = (3, 32, 32), 8, 4
BOUNDED = (LATENT, IMAGE, CLASSES, (-1.0, 1.0))
PLAYERS = {
    "resnet generator": lambda: ResNetGenerator(*BOUNDED, channels=4, attention=16, dropout=0.2),
    "biggan generator": lambda: BigGANGenerator(*BOUNDED, channels=4, embedding=4),
    "stylegan2 generator": lambda: StyleGAN2Generator(*BOUNDED, channels=4, style_dim=6, mapping_layers=2, mixing=0.9),
    "r3gan generator": lambda: R3GANGenerator(*BOUNDED, channels=4),
    "resnet discriminator": lambda: ResNetDiscriminator(
        IMAGE, CLASSES, channels=4, attention=16, dropout=0.2, norm="batch", labels="projection"
    ),
    "stylegan2 discriminator": lambda: StyleGAN2Discriminator(IMAGE, CLASSES, channels=4),
    "r3gan discriminator": lambda: R3GANDiscriminator(IMAGE, CLASSES, channels=4),
}


def made(name: str) -> tuple[nn.Module, nn.Module]:
    """Return a player that keeps everything, and one with the same weights that does not."""
    torch.manual_seed(0)
    player = PLAYERS[name]().double()
    with torch.no_grad():  # what begins at zero would hide what is behind it
        for parameter in player.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    other = copy.deepcopy(player)
    for module in other.modules():
        if isinstance(module, Recomputable):
            module.recompute = True
    return player, other


def inputs(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return an input and labels."""
    torch.manual_seed(1)
    x = torch.randn(4, LATENT) if "generator" in name else torch.randn(4, *IMAGE)
    return x.double().requires_grad_(), torch.eye(CLASSES).double()


@pytest.mark.parametrize("name", PLAYERS)
def test_results_gradients_of_both_orders_draws_and_buffers_are_the_same_bits(name):
    found = []
    for player in made(name):
        (x, y), numbers = inputs(name), []
        torch.manual_seed(2)
        for _ in range(2):  # the pass whose graph is not used first moves the buffers of the other one
            first, second = player(x, y), player(-x, y)
            (slope,) = torch.autograd.grad(first.square().sum(), x, create_graph=True)
            loss = slope.square().sum() + second.square().mean()
            numbers += [first, second, slope, *torch.autograd.grad(loss, [x, *player.parameters()], allow_unused=True)]
        found.append([*numbers, *player.state_dict().values(), torch.get_rng_state()])
    assert len(found[0]) == len(found[1])
    for one, other in zip(*found, strict=True):
        assert (one is None and other is None) or torch.equal(one, other)


@pytest.mark.parametrize("name", PLAYERS)
def test_less_is_kept(name):
    kept = []
    for player in made(name):
        saved = {}

        def keep(tensor, saved=saved):
            saved[tensor.data_ptr()] = tensor
            return tensor

        with saved_tensors_hooks(keep, lambda tensor: tensor):
            player(*inputs(name))
        kept.append(sum(tensor.numel() for tensor in saved.values()))
    assert kept[1] < 0.6 * kept[0]
