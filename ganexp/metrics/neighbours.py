r"""The nearest training samples of a sample: they show whether a generator copies.

Contract: the distance of samples x and r is the Euclidean one of their decoded values, :math:`\lVert x - r \rVert_2`; the
search goes through the whole training split and is exact up to the rounding of float64.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data import Data

# Training samples that are decoded and compared at a time.
CHUNK = 4096


class Neighbours(NamedTuple):
    """The nearest training samples, nearest first: their indices (int64, (N, k)) and distances (float32, (N, k))."""

    indices: Tensor
    distances: Tensor


class Reference:
    """The training split to search in.

    Arguments:
        data: The data set; its files are read.
        k: Neighbours to look for.

    Raises:
        ConfigError: The files are not available, or there are fewer training samples than neighbours.
    """

    def __init__(self, data: Data, k: int) -> None:
        data.prepare()
        self.data, self.k = data, k
        self.raw = data.load("train")[0]
        if k > len(self.raw):
            raise ConfigError(f"there are only {len(self.raw):,} training samples", "neighbours")

    def samples(self, indices: Tensor) -> Tensor:
        """Return the training samples with these indices, decoded, with shape (*indices.shape, *shape)."""
        return self.data.decode(self.raw[indices.flatten()]).view(*indices.shape, *self.data.shape)

    def nearest(self, samples: Tensor) -> Neighbours:
        """Find the neighbours of samples with shape (N, *shape); those of values that are not finite are arbitrary."""
        # Where distances are nearly equal, float32 would round the order away; among GPUs, only NVIDIA's know more.
        device = samples.device if samples.is_cuda else torch.device("cpu")
        x = samples.flatten(1).to(device, torch.float64)
        best, indices = x.new_empty(len(x), 0), torch.empty(len(x), 0, dtype=torch.int64, device=device)
        for start in range(0, len(self.raw), CHUNK):
            references = self._vectors(slice(start, start + CHUNK), device)
            # |x - r|^2 without |x|^2, which changes no order.
            scores = torch.addmm(references.square().sum(1), x, references.T, alpha=-2)
            numbers = torch.arange(start, start + len(references), device=device).expand(len(x), -1)
            scores, numbers = torch.cat([best, scores], 1), torch.cat([indices, numbers], 1)
            best, chosen = scores.topk(min(self.k, scores.shape[1]), largest=False)
            indices = numbers.gather(1, chosen)
        # A difference, unlike the squares above, is 0 between equal samples.
        columns = [self._vectors(column, device).sub(x).norm(dim=1) for column in indices.cpu().unbind(1)]
        distances, order = torch.stack(columns, 1).sort(dim=1, stable=True)
        return Neighbours(indices.gather(1, order).cpu(), distances.float().cpu())

    def _vectors(self, index: slice | Tensor, device: torch.device) -> Tensor:
        return self.data.decode(self.raw[index].to(device)).flatten(1).double()
