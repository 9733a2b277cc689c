r"""Directions of the latent space, by their effect on the samples.

Contract: of N samples :math:`x_j = G(z_j)`, without the mean of their class, the principal components give coordinates
:math:`a_{jk}`; direction k is :math:`u_k = \sum_j a_{jk} z_j / \lVert \sum_j a_{jk} z_j \rVert`, the latents that go with
component k, as least squares say. They are ordered by the share of the variance that their component has.

This is GANSpace with the sample itself as the layer that is looked at, so it needs nothing but the generator. SeFa finds
directions without sampling, from the weights of a first layer, which not every generator has.

References:
    GANSpace: Discovering Interpretable GAN Controls (Härkönen et al., 2020), section 2.3, https://arxiv.org/abs/2004.02546

    Closed-Form Factorization of Latent Semantics in GANs (Shen and Zhou, 2021), https://arxiv.org/abs/2007.06600
"""

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.models import GAN

SAMPLES = 2000


def directions(model: GAN, count: int, y: Tensor, generator: torch.Generator, batch_size: int = 256) -> tuple[Tensor, Tensor]:
    """Return directions with shape (count, latent_dim), of length 1, and the shares of their components, on the CPU.

    Arguments:
        model: The model.
        count: How many.
        y: The labels of the samples that are looked at, which come in turns: classes with shape (M,), or vectors.
        generator: Draws the latents, on the CPU.
        batch_size: Samples that are generated at a time.

    Raises:
        ConfigError: There are not so many.
    """
    if count > model.latent_dim:
        raise ConfigError(f"latents have {model.latent_dim} dimensions, and no more directions", "sweep_latent")
    z, y = model.sample_latent(SAMPLES, generator), y[torch.arange(SAMPLES) % len(y)].to(model.device)
    pieces = zip(z.split(batch_size), y.split(batch_size), strict=True)
    x = torch.cat([model.sample(*piece).flatten(1).cpu() for piece in pieces])
    x, z = x.nan_to_num(0.0), z.cpu().float()
    kinds = y.cpu() if y.ndim == 1 else torch.zeros(SAMPLES, dtype=torch.int64)
    for kind in kinds.unique():
        x[kinds == kind] -= x[kinds == kind].mean(0)
    total = x.square().sum()
    coordinates, sizes, _ = torch.linalg.svd(x, full_matrices=False)
    found = coordinates[:, :count].T @ z
    signs = found.gather(1, found.abs().argmax(1, keepdim=True)).sign()  # which way is forward is nothing but a convention
    lengths = found.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return signs * found / lengths, (sizes[:count].square() / total.clamp(min=1e-12))
