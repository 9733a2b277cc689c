"""What is computed of what a model observes, on its device and without a wait: see :mod:`ganexp.runs.signals` for the table."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ganexp.runs.signals import signal

# The last pairs of batches, real and fake, of which the separation is computed.
_PAIRS = 4

_REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": torch.mean,
    "probability": lambda elements: elements.sigmoid().mean(),
    "last": lambda elements: elements[-1],
    "max": torch.max,
}


def reduce(observed: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
    """Return one number per tag, a scalar on the values' device, and the signals that are derived from them.

    Arguments:
        observed: The values since the last log entry, each with any shape.
    """
    reduced = {}
    for tag, values in observed.items():
        elements = torch.cat([value.reshape(-1) for value in values]).float()
        made = signal(tag).makes
        for name in (tag, f"{made}/{tag.partition('/')[2]}") if made else (tag,):
            reduced[name] = _REDUCTIONS[signal(name).reduced](elements)
    return reduced | compare_logits(observed)


def separation(real: Tensor, fake: Tensor) -> Tensor:
    r"""Return how often the discriminator ranks a real sample above a fake one, :math:`P(r > f) + P(r = f) / 2`.

    This is the area under the ROC curve, the Mann-Whitney statistic over the number of pairs: at 1/2 the logits
    carry no information, at 1 they separate all samples. No monotone map of the logits changes it.

    Arguments:
        real: Logits with shape (..., M), rows by rows.
        fake: Logits with shape (..., N).

    Returns:
        A scalar in [0, 1], the mean over the rows.

    References:
        An introduction to ROC analysis (Fawcett, 2006), https://doi.org/10.1016/j.patrec.2005.10.010
    """
    ordered, real = fake.float().sort(-1).values.contiguous(), real.float().contiguous()
    below, up_to = (torch.searchsorted(ordered, real, right=right) for right in (False, True))
    return (below + up_to).float().mean() / (2 * fake.shape[-1])


def spread(logits: Tensor) -> Tensor:
    """Return the standard deviation of logits of any shape over the largest magnitude among them; 0 when all are 0."""
    logits = logits.float()
    return logits.std(correction=0) / logits.abs().max().clamp(min=torch.finfo(torch.float32).tiny)


def compare_logits(observed: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
    """Return ``health/separation`` and ``health/spread`` of the last batches, on their device; nothing without logits."""
    pairs = list(zip(observed.get("logits/real", ()), observed.get("logits/fake", ()), strict=False))[-_PAIRS:]
    if not pairs:
        return {}
    shape = pairs[-1][0].shape
    real, fake = (torch.stack([pair[player] for pair in pairs if pair[0].shape == shape]) for player in (0, 1))
    return {"health/separation": separation(real, fake), "health/spread": spread(torch.cat([real[-1], fake[-1]]))}


def largest(tensors: Iterable[Tensor]) -> Tensor:
    """Return the largest magnitude in some tensors, NaN if one holds NaN; a scalar on their device."""
    return nn.utils.get_total_norm([x.detach() for x in tensors if x.is_floating_point() and x.numel()], math.inf)
