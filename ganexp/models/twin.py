"""Auxiliary classifiers that look at real and fake samples apart, so that they do not take diversity from the generator."""

from abc import abstractmethod

from torch import Tensor

from ganexp.models.acgan import ACGAN
from ganexp.models.judging import Judged


class TwinACGAN(ACGAN):
    r"""GAN of p(x | y) that names the class of a sample twice: one answer learns from real samples, its twin from fake ones.

    The generator of an :class:`.ACGAN` prefers samples whose class is sure, far from other classes. Here its term is

    .. math:: E_{x \sim G(z, y)} [-\log P_{real}(y | x) + \log P_{fake}(y | x)],

    where the twin gives back what the first takes from diversity.

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        class_weight: Factor of the cross-entropies.
    """

    @property
    def outputs(self) -> int:
        """The logit of "real", one per class of real samples, one per class of fake samples."""
        return 1 + 2 * self.num_classes

    def discriminator_entropy(self, real: Judged, fake: Judged) -> Tensor:
        return self.entropy(real, made=False) + self.entropy(fake, made=True)

    def generator_entropy(self, fake: Judged) -> Tensor:
        return self.entropy(fake, made=False) - self.entropy(fake, made=True)

    @abstractmethod
    def entropy(self, judged: Judged, made: bool) -> Tensor:
        """Return the mean of -log P(class | sample), by what learns from real or from made samples."""
