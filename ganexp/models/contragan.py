"""ContraGAN: embeddings are drawn to their class and to the other samples of it."""

import torch
from torch import Tensor

from ganexp.config.types import NonNegativeFloat, PositiveFloat, PositiveInt
from ganexp.models.embedding import EmbeddingGAN
from ganexp.models.game import Game
from ganexp.models.latents import Noise


class ContraGAN(EmbeddingGAN):
    r"""GAN of p(x | y) with the conditional contrastive loss (2C).

    With cosines :math:`c_i` between embedding i and the proxy of its class, :math:`c_{ij}` between two embeddings, and a
    temperature t, the loss is the mean of

    .. math:: -\log
        \frac{e^{c_i / t} + \sum_{j \neq i, y_j = y_i} e^{c_{ij} / t}}{e^{c_i / t} + \sum_{j \neq i} e^{c_{ij} / t}}.

    References:
        ContraGAN: Contrastive Learning for Conditional Image Generation (Kang, Park, 2020), https://arxiv.org/abs/2006.12681

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        dimensions: Length of an embedding, as a vector.
        class_weight: Factor of the loss.
        temperature: t.
    """

    def __init__(
        self,
        game: Game,
        latent_dim: PositiveInt = 100,
        noise: Noise = "normal",
        dimensions: PositiveInt = 512,
        class_weight: NonNegativeFloat = 1.0,
        temperature: PositiveFloat = 1.0,
    ) -> None:
        super().__init__(game, latent_dim, noise, dimensions, class_weight)
        self.temperature = temperature

    def compare(self, samples: Tensor, own: Tensor, same: Tensor) -> Tensor:
        others = ~torch.eye(len(own), dtype=torch.bool, device=own.device)
        logits = torch.cat([own[:, None], samples], 1) / self.temperature
        first = torch.ones_like(same[:, :1])
        kin, all_ = (
            logits.masked_fill(~torch.cat([first, mask], 1), -torch.inf).logsumexp(1) for mask in (same & others, others)
        )
        return (all_ - kin).mean()
