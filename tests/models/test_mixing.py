"""What mixes the samples of a batch is found out, and leaves no trace."""

import copy

import pytest
import torch
from torch import nn

from ganexp.models.mixing import mixes_samples
from ganexp.networks.dcgan import DCGANDiscriminator
from ganexp.networks.mlp import MLPDiscriminator
from ganexp.networks.r3gan import R3GANDiscriminator
from ganexp.networks.stylegan2 import StyleGAN2Discriminator


class Neighbours(nn.Module):
    """A user's own: each sample looks at the one before it."""

    def forward(self, x):
        return (x - x.roll(1, 0)).sum(1, keepdim=True)


class Blind(nn.Linear):
    """Says 0 of everything, as it begins."""

    def __init__(self):
        super().__init__(2, 1)
        nn.init.zeros_(self.weight)


SHAPE = (3, 8, 8)
MIXING = {
    "batch norm": lambda: DCGANDiscriminator(SHAPE, channels=4, norm="batch"),
    "batch norm of points": lambda: MLPDiscriminator((2,), widths=[4], norm="batch"),
    "deviation in groups": lambda: StyleGAN2Discriminator(SHAPE, channels=4),
    "neighbours": Neighbours,
    "batch norm before what begins at zero": lambda: nn.Sequential(nn.BatchNorm1d(2), Blind()),
}
APART = {
    "layer norm": lambda: DCGANDiscriminator(SHAPE, channels=4, norm="layer"),
    "spectral norm": lambda: MLPDiscriminator((2,), widths=[4], spectral_norm=True),
    "dropout": lambda: MLPDiscriminator((2,), widths=[8], dropout=0.5),
    "groups of one": lambda: StyleGAN2Discriminator(SHAPE, channels=4, group_samples=1),
    "labels": lambda: R3GANDiscriminator(SHAPE, num_classes=3, channels=16, blocks=1),
}


@pytest.mark.parametrize(("name", "mixes"), [*((name, True) for name in MIXING), *((name, False) for name in APART)])
def test_it_is_found_out_whether_a_network_mixes_samples(name, mixes):
    network = {**MIXING, **APART}[name]()
    shape = (2,) if isinstance(network, MLPDiscriminator | Neighbours | nn.Sequential) else SHAPE
    before, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    assert mixes_samples(network, shape, 3 if name == "labels" else 0) == mixes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
