r"""Latents and labels to sample from: spread over classes, truncated, or on the way from one latent to another.

Contract, with a and b two latents, :math:`\omega` the angle between them and t in [0, 1]: a linear path is
:math:`(1 - t) a + t b`, a spherical one

.. math:: \frac{\sin((1 - t) \omega)}{\sin \omega} a + \frac{\sin(t \omega)}{\sin \omega} b,

which between vectors of equal norm keeps that norm, as nearly all Gaussian latents of many dimensions have it.

References:
    Sampling Generative Networks (White, 2016), https://arxiv.org/abs/1609.04468
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.models import GAN

# Below this sine of the angle, two latents point the same way, or opposite ways: no great circle is defined by them.
PARALLEL = 1e-6


def spread(n: int, classes: Sequence[int]) -> Tensor:
    """Return ``n`` labels with shape (n,), equal ones together, as many of each class as of any other, up to one."""
    counts = [n // len(classes) + (index < n % len(classes)) for index in range(len(classes))]
    return torch.repeat_interleave(torch.tensor(classes), torch.tensor(counts))


def draw(model: GAN, n: int, generator: torch.Generator, truncation: float | None = None) -> Tensor:
    """Draw ``n`` latents with shape (n, latent_dim), on the model's device.

    With a truncation, entries further than that from 0 are drawn again until none is: samples become more typical and less
    varied. Entries that a model draws otherwise, such as the codes of InfoGAN, are bounded in the same way.

    References:
        Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al., 2019), section 3.1,
        https://arxiv.org/abs/1809.11096

    Raises:
        ConfigError: The latents to truncate are not normal.
    """
    z = model.sample_latent(n, generator)
    if truncation is None:
        return z
    if model.noise != "normal":
        why = f"this run has model.noise={model.noise}, and only normal latents have tails to cut off"
        raise ConfigError(why, "truncation", hint="leave it out")
    while len(rows := (z.abs() > truncation).any(1).nonzero().squeeze(1)):
        again = model.sample_latent(len(rows), generator)
        z[rows] = torch.where(z[rows].abs() > truncation, again, z[rows])
    return z


def interpolate(a: Tensor, b: Tensor, steps: int, path: Literal["linear", "spherical"]) -> Tensor:
    """Return latents with shape (n, steps, latent_dim) from ``a`` to ``b``, both included, each with shape (n, latent_dim).

    Parallel latents are joined by a line: between them, the spherical path is the linear one or not defined.
    """
    t = torch.linspace(0, 1, steps, dtype=torch.float64, device=a.device)[:, None]
    start, end = a.double()[:, None], b.double()[:, None]
    left, right = 1 - t, t
    if path == "spherical":
        cosine = torch.nn.functional.cosine_similarity(start, end, dim=2)[..., None].clamp(-1, 1)
        angle = torch.acos(cosine)
        sine = torch.sin(angle)
        curved, sine = sine > PARALLEL, sine.clamp(min=PARALLEL)
        left = torch.where(curved, torch.sin((1 - t) * angle) / sine, left)
        right = torch.where(curved, torch.sin(t * angle) / sine, right)
    return (left * start + right * end).to(a.dtype)
