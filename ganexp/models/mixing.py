"""Whether a network judges each sample by itself, found out by trying."""

from copy import deepcopy

import torch
from torch import nn

from ganexp.models.streams import own

_SAMPLES = 4


@torch.no_grad()
def mixes_samples(discriminator: nn.Module, shape: tuple[int, ...], classes: int) -> bool:
    """Return whether, while it trains, what a network gives for a sample depends on the others of its batch.

    Batch norm and maps of the deviation among samples do that. The network is tried twice with noise: what it gives for the
    first and the last sample must be the same bits when those in between are others.

    Arguments:
        discriminator: The network, on the CPU; it is left as it was.
        shape: Shape of one sample.
        classes: Length of its labels, as vectors; 0: it takes none.
    """
    network = deepcopy(discriminator).train()
    with own("samples to try the discriminator with"):
        for parameter in network.parameters():
            # Layers that begin at zero would hide what is before them.
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
        x, y = torch.randn(_SAMPLES, *shape), [torch.rand(_SAMPLES, classes)] if classes else []
    found = []
    for inputs in (x, torch.cat([x[:1], 2 - 3 * x[1:-1], x[-1:]])):
        with own("dropout while the discriminator is tried"):
            found.append(deepcopy(network)(inputs, *y)[[0, -1]])
    return not torch.equal(*found)
