"""GAN with an auxiliary discriminative classifier: it tells real samples of a class from fake ones of it."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganexp.models.acgan import ACGAN
from ganexp.models.judging import Judged


class ADCGAN(ACGAN):
    r"""GAN of p(x | y) whose discriminator has one class for the real samples of each label and one for the fake ones.

    Its classifier C learns both, real samples as :math:`y^+` and fake ones as :math:`y^-`; the generator's term is

    .. math:: E_{x \sim G(z, y)} [-\log C(y^+ | x) + \log C(y^- | x)],

    so that it learns the data of each class, where that of an :class:`.ACGAN` learns samples that are easily classified.

    References:
        Conditional GANs with Auxiliary Discriminative Classifier (Hou et al., 2022), https://arxiv.org/abs/2107.10060

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: ``normal`` is N(0, 1), ``uniform`` is U(-1, 1).
        class_weight: Factor of the cross-entropies.
    """

    @property
    def outputs(self) -> int:
        """The logit of "real", one per class of real samples, one per class of fake samples."""
        return 1 + 2 * self.num_classes

    def discriminator_entropy(self, real: Judged, fake: Judged) -> Tensor:
        return self._entropy(real, made=False) + self._entropy(fake, made=True)

    def generator_entropy(self, fake: Judged) -> Tensor:
        return self._entropy(fake, made=False) - self._entropy(fake, made=True)

    def _entropy(self, judged: Judged, made: bool) -> Tensor:
        """Return the mean of -log P(class, real or fake | sample)."""
        return cross_entropy(judged.outputs[:, 1:], judged.y + made * self.num_classes)
