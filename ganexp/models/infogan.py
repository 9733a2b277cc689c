"""InfoGAN: codes in the latent vector that the discriminator can read off the sample."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeFloat, NonNegativeInt, PositiveInt
from ganexp.models.game import Game
from ganexp.models.gan import GAN
from ganexp.models.judging import Judged
from ganexp.models.latents import Noise


class InfoGAN(GAN):
    r"""GAN whose generator receives a drawn category and codes c ~ U(-1, 1), the last entries of z; no label is needed.

    To both losses the negative bound on the mutual information of codes and sample is added, up to a constant:

    .. math:: -\log Q(\mathrm{category} | G) + \tfrac12 \lVert c - Q_c(G) \rVert^2,

    the second part for a Gaussian Q of variance 1. Q is the discriminator with further outputs.

    References:
        InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets (Chen et al.,
        2016), https://arxiv.org/abs/1606.03657

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z, its continuous codes included.
        noise: Distribution of the other entries of z: see :data:`ganexp.models.latents.Noise`.
        categories: Number of values of the categorical code, which is the generator's label.
        continuous: Number of continuous codes.
        information_weight: Factor of the bound.

    Raises:
        ConfigError: There are more continuous codes than entries of z.
    """

    draws_labels: ClassVar[bool] = True

    def __init__(
        self,
        game: Game,
        latent_dim: PositiveInt = 100,
        noise: Noise = "normal",
        categories: PositiveInt = 10,
        continuous: NonNegativeInt = 2,
        information_weight: NonNegativeFloat = 1.0,
    ) -> None:
        if continuous > latent_dim:
            raise ConfigError("the continuous codes are entries of z, which has fewer", "model.continuous", "model.latent_dim")
        # The base reads the numbers of classes and outputs while it builds the players.
        self.categories, self.continuous, self.information_weight = categories, continuous, information_weight
        super().__init__(game, latent_dim, noise)

    @property
    def label_classes(self) -> int:
        """The categories."""
        return self.categories

    @property
    def label_names(self) -> tuple[str, ...]:
        """The categories' numbers: what each will show is not known."""
        return tuple(f"code {category}" for category in range(self.categories))

    @property
    def outputs(self) -> int:
        """The logit of "real", one per category, and one per continuous code."""
        return 1 + self.categories + self.continuous

    def sample_latent(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` latents with shape (n, latent_dim), the continuous codes at their end."""
        z = super().sample_latent(n, generator)
        if self.continuous:
            device = self.device if generator is None else generator.device
            z[:, -self.continuous :] = torch.rand(n, self.continuous, device=device, generator=generator) * 2 - 1
        return z

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is real", whatever its code."""
        return outputs[:, 0]

    def discriminator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the terms ``adversarial`` and ``information``."""
        information = self._surprise(fake)  # first: the order of the passes is that in which gradients are rounded
        return {**super().discriminator_terms(real, fake), "information": information}

    def generator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the terms ``adversarial`` and ``information``."""
        return {**super().generator_terms(real, fake), "information": self._surprise(fake)}

    def _surprise(self, fake: Judged) -> Tensor:
        """Return the mean of -log Q(codes | sample), up to a constant."""
        assert fake.z is not None
        surprise = cross_entropy(fake.outputs[:, 1 : 1 + self.categories], fake.y)
        if self.continuous:
            read, codes = fake.outputs[:, 1 + self.categories :], fake.z[:, -self.continuous :]
            surprise = surprise + 0.5 * self.continuous * mse_loss(read, codes)
        return self.information_weight * surprise
