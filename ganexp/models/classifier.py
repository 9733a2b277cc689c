"""A discriminator as a classifier of real samples: its accuracy on the test split.

Contract: nothing that is measured here changes the network or a random state.
"""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganexp.data.base import Data

# Samples per forward pass, and real training samples from which batch norm's statistics are taken.
CHUNK = 500
STATISTICS = 2000


@torch.no_grad()
def test_accuracy(
    discriminator: nn.Module, classify: Callable[[nn.Module, Tensor], Tensor], data: Data, device: torch.device
) -> float:
    """Return the share of the test split whose class has the largest logit.

    A copy works in evaluation mode. Where it has batch norm, the running statistics, which mix real with generated samples,
    are first replaced by those of the first 2,000 training samples.

    Arguments:
        discriminator: The network.
        classify: Returns the class logits with shape (B, num_classes) of samples with shape (B, *shape).
        data: What to classify; it has labels.
        device: Where the network is.
    """
    network = deepcopy(discriminator).float().eval()
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if norms:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average over the batches
            norm.train()
        for raw in data.load("train")[0][:STATISTICS].split(CHUNK):
            classify(network, data.decode(raw.to(device)))
        network.eval()
    x, y = data.load("test")
    assert y is not None
    found = torch.cat([classify(network, data.decode(raw.to(device))).argmax(1) for raw in x.split(CHUNK)])
    return int((found.cpu() == y).sum()) / len(y)
