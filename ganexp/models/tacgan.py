"""Twin auxiliary classifiers GAN: a second classifier, of fake samples alone, gives back the diversity that the first takes."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganexp.models.acgan import ACGAN
from ganexp.models.judging import Judged


class TACGAN(ACGAN):
    r"""GAN of p(x | y) with two classifiers in the discriminator: C learns from real samples, its twin T from fake ones.

    The generator of an :class:`.ACGAN` prefers samples that C is sure of, far from other classes. Here its term is

    .. math:: E_{x \sim G(z, y)} [-\log C(y | x) + \log T(y | x)],

    which vanishes where samples and data agree.

    References:
        Twin Auxiliary Classifiers GAN (Gong et al., 2019), equation 5, https://arxiv.org/abs/1907.02690

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: ``normal`` is N(0, 1), ``uniform`` is U(-1, 1).
        class_weight: Factor of the cross-entropies.
    """

    @property
    def outputs(self) -> int:
        """The logit of "real", one per class by C, one per class by T."""
        return 1 + 2 * self.num_classes

    def discriminator_entropy(self, real: Judged, fake: Judged) -> Tensor:
        return self._entropy(real, twin=False) + self._entropy(fake, twin=True)

    def generator_entropy(self, fake: Judged) -> Tensor:
        return self._entropy(fake, twin=False) - self._entropy(fake, twin=True)

    def _entropy(self, judged: Judged, twin: bool) -> Tensor:
        """Return the mean of -log P(class | sample) by one of the two classifiers."""
        return cross_entropy(judged.outputs[:, 1:].chunk(2, 1)[twin], judged.y)
