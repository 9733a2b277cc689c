"""The mean distance between generated samples, compared with that between real ones."""

import torch
from torch import Tensor

from ganexp.data.batches import Batches
from ganexp.models import GAN

_SEED = 2

# Pairs of samples whose distance is measured, and real samples among which pairs of the same class are searched.
_PAIRS = 64
_SEARCHED = 4096


def mean_distance(samples: Tensor) -> Tensor:
    """Return the mean Euclidean distance between sample i and sample n + i of 2n samples with shape (2n, ...)."""
    first, second = samples.float().flatten(1).chunk(2)
    return torch.linalg.vector_norm(first - second, dim=1).mean()


def generated_distance(model: GAN) -> float:
    """Return the mean distance between two generated samples, of the same class if the model receives classes.

    They come from a random generator of their own: training goes on unchanged.
    """
    generator, n = torch.Generator().manual_seed(_SEED), 2 * _PAIRS
    y, z = model.sample_labels(n, generator), model.sample_latent(n, generator)
    if by_class(model):
        y = y[:_PAIRS].repeat(2)
    return float(mean_distance(model.sample(z, y)))


def by_class(model: GAN) -> bool:
    """Return whether samples of the same class are compared: where the generator receives the classes of the data."""
    return model.conditional and model.label_classes > 0


def real_distance(batches: Batches, same_class: bool) -> float:
    """Return the mean distance between two real samples, of the same class if asked for; NaN where there is none."""
    generator = torch.Generator().manual_seed(_SEED)
    order = torch.randperm(len(batches.x), generator=generator)[:_SEARCHED]
    pairs = order[: len(order) // 2 * 2].view(2, -1)
    if same_class:
        y = batches.y.cpu()
        order = order[y[order].argsort(stable=True)]
        pairs = order[: len(order) // 2 * 2].view(-1, 2).T
        pairs = pairs[:, y[pairs[0]] == y[pairs[1]]]
        pairs = pairs[:, torch.randperm(pairs.shape[1], generator=generator)]
    chosen: Tensor = batches.x[pairs[:, :_PAIRS].reshape(-1).to(batches.x.device)]
    return (float(mean_distance(batches.decode(chosen))) if len(chosen) else 0.0) or float("nan")
