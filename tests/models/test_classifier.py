"""The accuracy of a discriminator that names classes."""

import copy

import torch
from torch import nn

from ganexp.data import Data
from ganexp.models.classifier import test_accuracy as accuracy


class Sorter(nn.Module):
    """Batch norm, then class 1 for what is above the mean."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)

    def forward(self, x):
        x = self.norm(x)
        return torch.cat([-x, x], dim=1)


class Halves(Data):
    """Points of class 0 around 4, and of class 1 around 6."""

    shape, num_classes = (1,), 2

    def load(self, split):
        y = torch.arange(4000) % 2
        return 4.0 + 2 * y[:, None], y

    def decode(self, raw):
        return raw

    encode = decode
    fingerprint = "halves"

    def picture(self, samples, labels=None, layout=None):
        raise NotImplementedError


def test_accuracy_is_measured_with_the_statistics_of_real_samples():
    network = Sorter()
    network.norm.running_mean.fill_(100.0)  # as generated samples may leave it
    before = copy.deepcopy(network.state_dict())
    assert accuracy(network, lambda d, x: d(x), Halves(), torch.device("cpu")) == 1.0
    assert accuracy(network, lambda d, x: -d(x), Halves(), torch.device("cpu")) == 0.0
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
