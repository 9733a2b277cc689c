"""GAN with an auxiliary discriminative classifier: it tells real samples of a class from fake ones of it."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganexp.models.judging import Judged
from ganexp.models.twin import TwinACGAN


class ADCGAN(TwinACGAN):
    """GAN of p(x | y) whose classifier has one class for the real samples of each label and one for the fake ones: one softmax.

    See :class:`.TwinACGAN` for the generator's term, by which it learns the data of each class.

    References:
        Conditional GANs with Auxiliary Discriminative Classifier (Hou et al., 2022), https://arxiv.org/abs/2107.10060

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        class_weight: Factor of the cross-entropies.
    """

    def entropy(self, judged: Judged, made: bool) -> Tensor:
        return cross_entropy(judged.outputs[:, 1:], judged.y + made * self.num_classes)
