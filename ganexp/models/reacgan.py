"""ReACGAN: embeddings are drawn to their class, and away from samples of other classes, both up to a margin."""

import torch
from torch import Tensor
from torch.nn.functional import relu

from ganexp.config.types import NonNegativeFloat, PositiveFloat, PositiveInt, Probability
from ganexp.models.embedding import EmbeddingGAN
from ganexp.models.game import Game
from ganexp.models.latents import Noise


class ReACGAN(EmbeddingGAN):
    r"""GAN of p(x | y) with the data-to-data cross-entropy (D2D-CE).

    With cosines :math:`c_i` between embedding i and the proxy of its class, :math:`c_{ij}` between two embeddings, a margin m
    and a temperature t, the loss is the mean of

    .. math:: -\log \frac{e^{a_i}}{e^{a_i} + \sum_{y_j \neq y_i} e^{b_{ij}}}, \quad
        a_i = \frac{\min(c_i - m, 0)}{t}, \quad b_{ij} = \frac{\max(c_{ij} - (1 - m), 0)}{t}.

    References:
        Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training (Kang et al., 2021), equation 10,
        https://arxiv.org/abs/2111.01118

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        dimensions: Length of an embedding, as a vector.
        class_weight: Factor of the loss.
        margin: m.
        temperature: t.
    """

    def __init__(
        self,
        game: Game,
        latent_dim: PositiveInt = 100,
        noise: Noise = "normal",
        dimensions: PositiveInt = 512,
        class_weight: NonNegativeFloat = 0.25,
        margin: Probability = 0.98,
        temperature: PositiveFloat = 0.25,
    ) -> None:
        super().__init__(game, latent_dim, noise, dimensions, class_weight)
        self.margin, self.temperature = margin, temperature

    def compare(self, samples: Tensor, own: Tensor, same: Tensor) -> Tensor:
        easy = -relu(self.margin - own) / self.temperature
        hard = relu(samples - (1 - self.margin)) / self.temperature
        return (torch.cat([easy[:, None], hard.masked_fill(same, -torch.inf)], 1).logsumexp(1) - easy).mean()
