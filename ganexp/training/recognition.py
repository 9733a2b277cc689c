"""Whether the discriminator has learnt its training images by heart: it takes held-out ones for generated, then."""

import torch
from torch import Tensor

from ganexp.metrics import Reference, Samples
from ganexp.models import GAN
from ganexp.models.functional import in_mode
from ganexp.training.signals import separation

_SEED = 3


def learnt(model: GAN, reference: Reference, count: int) -> Samples:
    """Return so many samples that the model learns from, or all if there are fewer; a reference has those beyond a subset."""
    if model.data is reference.data:
        return reference.real("train", count)
    raw, y = model.data.load("train")
    order = torch.randperm(len(raw), generator=torch.Generator().manual_seed(_SEED))[:count]
    return Samples(raw[order], None if y is None else y[order], reference)


@torch.no_grad()
def recognised(model: GAN, train: Samples, test: Samples, batch_size: int = 500) -> dict[str, float]:
    """Return how often a training sample, and how often a held-out one, has a larger logit than a generated one.

    Both shares, ``health/recognised`` and ``health/held_out``, are those of :func:`ganexp.training.signals.separation`: they
    mean the same for every loss, of which some leave open where the logit of "real" begins. The generator is the one that
    trains, samples are not augmented, and both players are in evaluation mode; training goes on unchanged.

    Arguments:
        model: The model, on any device.
        train: Samples that the discriminator learns from; as many are generated.
        test: Samples that it does not.
        batch_size: Samples that are judged at a time.
    """
    generator = torch.Generator().manual_seed(_SEED)
    z, y = model.sample_latent(len(train), generator), _labels(train.y, len(train), model)
    if model.draws_labels:
        y = model.sample_labels(len(train), generator)
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices), in_mode(model.generator, "eval"), in_mode(model.discriminator, "eval"):
        parts = [model.generate(model.generator, *part) for part in zip(z.split(batch_size), y.split(batch_size), strict=True)]
        fake = _logits(model, parts, y, batch_size)
        found = {}
        for name, real in (("recognised", train), ("held_out", test)):
            labels = _labels(real.y, len(real), model)
            parts = [model.decode(part.to(model.device)) for part in real.raw.split(batch_size)]
            found[f"health/{name}"] = float(separation(_logits(model, parts, labels, batch_size), fake))
    return found


def _labels(y: Tensor | None, count: int, model: GAN) -> Tensor:
    return torch.zeros(count, dtype=torch.int64, device=model.device) if y is None else y.to(model.device)


def _logits(model: GAN, parts: list[Tensor], y: Tensor, batch_size: int) -> Tensor:
    pairs = zip(parts, y.split(batch_size), strict=True)
    return torch.cat([model.realness(model.unaugmented(*pair), pair[1]) for pair in pairs])
