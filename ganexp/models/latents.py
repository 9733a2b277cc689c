"""The distributions that latents are drawn from."""

from typing import Literal

import torch
from torch import Tensor

Noise = Literal["normal", "uniform", "mixture"]
"""Distribution of each entry of a latent.

- ``normal``: N(0, 1).
- ``uniform``: U(-1, 1), the only one that is bounded.
- ``mixture``: N(-1, 1/4) or N(1, 1/4), each half of the time. Few latents lie in the gap between the two, hence few samples
  between modes that a generator keeps apart there; see Gaussian Mixture Generative Adversarial Networks for Diverse Datasets
  (Ben-Yosef and Weinshall, 2018), https://arxiv.org/abs/1808.10356
"""

MIXTURE_SD = 0.5


def draw(noise: Noise, n: int, latent_dim: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
    """Draw ``n`` latents with shape (n, latent_dim) on ``device``, which is the generator's own."""
    if noise == "uniform":
        return torch.rand(n, latent_dim, device=device, generator=generator).mul_(2).sub_(1)
    z = torch.randn(n, latent_dim, device=device, generator=generator)
    if noise == "normal":
        return z
    sides = torch.randint(2, z.shape, device=device, generator=generator)
    return z.mul_(MIXTURE_SD).add_(sides, alpha=2).sub_(1)


def written(noise: Noise, n: int, latent_dim: int) -> str:
    """Return Python that draws such latents with torch alone."""
    shape = f"{n}, {latent_dim}"
    if noise == "uniform":
        return f"torch.rand({shape}).mul(2).sub(1)"
    if noise == "normal":
        return f"torch.randn({shape})"
    return f"torch.randn({shape}).mul({MIXTURE_SD}).add(torch.randint(2, ({shape})).mul(2).sub(1))"
