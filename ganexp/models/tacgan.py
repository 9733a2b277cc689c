"""Twin auxiliary classifiers GAN: one classifier of real samples, and one of fake samples alone."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganexp.models.judging import Judged
from ganexp.models.twin import TwinACGAN


class TACGAN(TwinACGAN):
    """GAN of p(x | y) with two classifiers in the discriminator: each a softmax over the classes.

    See :class:`.TwinACGAN` for the generator's term.

    References:
        Twin Auxiliary Classifiers GAN (Gong et al., 2019), https://arxiv.org/abs/1907.02690

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        class_weight: Factor of the cross-entropies.
    """

    def entropy(self, judged: Judged, made: bool) -> Tensor:
        return cross_entropy(judged.outputs[:, 1:].chunk(2, 1)[made], judged.y)
