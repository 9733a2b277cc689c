"""Auxiliary classifier GAN: the discriminator also names the class, and both players want it right."""

from typing import ClassVar

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganexp.config.types import NonNegativeFloat, PositiveInt
from ganexp.models.classifier import test_accuracy
from ganexp.models.game import Game
from ganexp.models.gan import GAN
from ganexp.models.judging import Judged
from ganexp.models.latents import Noise


class ACGAN(GAN):
    """GAN of p(x | y) whose discriminator has, beside the logit of "real", one logit per class.

    To both losses the cross-entropy of the classes is added: of real and fake samples to the discriminator's, of fake samples
    to the generator's.

    References:
        Conditional Image Synthesis with Auxiliary Classifier GANs (Odena et al., 2017), https://arxiv.org/abs/1610.09585

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        class_weight: Factor of the cross-entropies.
    """

    conditional: ClassVar[bool] = True
    draws_labels: ClassVar[bool] = True

    def __init__(
        self,
        game: Game,
        latent_dim: PositiveInt = 100,
        noise: Noise = "normal",
        class_weight: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(game, latent_dim, noise)
        self.class_weight = class_weight

    @property
    def outputs(self) -> int:
        """The logit of "real", and one per class."""
        return 1 + self.num_classes

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is real", whatever its class."""
        return outputs[:, 0]

    def discriminator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the terms ``adversarial`` and ``class``."""
        entropy = self.discriminator_entropy(real, fake)
        return {**super().discriminator_terms(real, fake), "class": self.class_weight * entropy}

    def generator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the terms ``adversarial`` and ``class``."""
        return {**super().generator_terms(real, fake), "class": self.class_weight * self.generator_entropy(fake)}

    def discriminator_entropy(self, real: Judged, fake: Judged) -> Tensor:
        """Return what the discriminator minimises beside its loss: the mean of -log P(class | sample) of both."""
        return cross_entropy(real.outputs[:, 1:], real.y) + cross_entropy(fake.outputs[:, 1:], fake.y)

    def generator_entropy(self, fake: Judged) -> Tensor:
        """Return what the generator minimises beside its loss."""
        return cross_entropy(fake.outputs[:, 1:], fake.y)

    def evaluate(self) -> dict[str, float]:
        """Return the ``test_accuracy`` of the class logits."""
        last = 1 + self.num_classes
        return {"test_accuracy": test_accuracy(self.discriminator, lambda d, x: d(x)[:, 1:last], self.data, self.device)}
