"""Conditional GANs whose discriminator embeds samples among class proxies."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import normalize

from ganexp.config.types import NonNegativeFloat, PositiveInt
from ganexp.models.game import Game
from ganexp.models.gan import GAN
from ganexp.models.judging import Judged
from ganexp.models.latents import Noise
from ganexp.models.streams import own
from ganexp.networks.precision import full, unmixed


class EmbeddingGAN(GAN):
    """GAN of p(x | y) whose discriminator has, beside the logit of "real", an embedding of the sample with length 1.

    A loss that compares embeddings with each other and with a learnt proxy of each class, of length 1 as well, is added: of
    real samples to the discriminator's loss, of fakes to the generator's.

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        dimensions: Length of an embedding, as a vector.
        class_weight: Factor of the loss of the embeddings.
    """

    conditional: ClassVar[bool] = True
    draws_labels: ClassVar[bool] = True

    def __init__(
        self, game: Game, latent_dim: PositiveInt, noise: Noise, dimensions: PositiveInt,
        class_weight: NonNegativeFloat,
    ) -> None:  # fmt: skip
        # The base reads the number of outputs while it builds the players.
        self.dimensions, self.class_weight = dimensions, class_weight
        super().__init__(game, latent_dim, noise)
        with own("proxies of the classes"):
            self.proxies = nn.Embedding(self.num_classes, dimensions)

    def owners(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """Return what each player moves; the proxies are the discriminator's."""
        owners = super().owners()
        owners["d"].append(self.proxies)
        return owners

    @property
    def outputs(self) -> int:
        """The logit of "real", and the entries of the embedding."""
        return 1 + self.dimensions

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is real", whatever its class."""
        return outputs[:, 0]

    def discriminator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the terms ``adversarial`` and ``class``."""
        return {**super().discriminator_terms(real, fake), "class": self.class_weight * self._compared(real)}

    def generator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the terms ``adversarial`` and ``class``."""
        return {**super().generator_terms(real, fake), "class": self.class_weight * self._compared(fake)}

    @abstractmethod
    def compare(self, samples: Tensor, own: Tensor, same: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Arguments:
            samples: Cosines between embeddings, with shape (B, B).
            own: Cosines between embeddings and the proxies of their classes, with shape (B,).
            same: Which samples have the same class, with shape (B, B).
        """

    def _compared(self, judged: Judged) -> Tensor:
        with unmixed(judged.outputs):
            embeddings = normalize(full(judged.outputs[:, 1:]), dim=1)
            # A product in place of a look-up, whose gradient is added up in no certain order on a GPU.
            proxies = normalize(full(self.vectors(judged.y, self.num_classes, embeddings) @ self.proxies.weight), dim=1)
            return self.compare(embeddings @ embeddings.T, (embeddings * proxies).sum(1), judged.y[:, None] == judged.y)
