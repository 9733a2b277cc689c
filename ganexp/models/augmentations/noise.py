"""Instance noise: Gaussian noise on all that the discriminator sees."""

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeFloat, Probability
from ganexp.models.augmentations.base import Augmentation


class InstanceNoise(Augmentation):
    """Add N(0, sd^2) to every value of real and generated samples, and wider noise to a share of the samples.

    Both distributions are blurred alike, so they overlap wherever their supports lie, and are equal exactly when those without
    noise are. With noise that fades, the generator learns the whole before the details. Once the noise is narrower than the
    gaps between modes, however, nothing tells the discriminator how much weight each mode should have. A share of samples
    whose noise stays wide goes on telling it: the standard deviation of each of them is drawn between ``sd`` and ``widest``,
    log-uniformly.

    References:
        Amortised MAP Inference for Image Super-resolution (Sonderby et al., 2017), section 3.2.1,
        https://arxiv.org/abs/1610.04490

        Towards Principled Methods for Training Generative Adversarial Networks (Arjovsky and Bottou, 2017),
        https://arxiv.org/abs/1701.04862

        Diffusion-GAN: Training GANs with Diffusion (Wang et al., 2023), for noise of several widths at once, there with a
        discriminator that is told which, https://arxiv.org/abs/2206.02262

    Arguments:
        sd: Standard deviation, in units of the data; may have a schedule.
        share: Share of the samples with wider noise; may have a schedule.
        widest: Largest standard deviation of the wider noise, in units of the data; where ``sd`` is larger, it applies.

    Raises:
        ConfigError: There is a share of samples with wider noise, and no width.
    """

    def __init__(self, sd: NonNegativeFloat = 0.1, share: Probability = 0.0, widest: NonNegativeFloat = 0.0) -> None:
        super().__init__()
        self.sd, self.share, self.widest = sd, share, widest
        if share and not widest:
            raise ConfigError("wider noise needs a width above 0", "augmentation.share", "augmentation.widest")

    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=self.random)
        if not self.widest:
            return x + self.sd * noise
        u = torch.rand((len(x), *[1] * (x.dim() - 1)), dtype=x.dtype, device=x.device, generator=self.random)
        narrowest = max(self.sd, self.widest / 1000)  # where sd is 0, there is no logarithm of it
        wider = narrowest * max(self.widest / narrowest, 1.0) ** (u / max(self.share, 1e-12))  # of those with u < share
        return x + torch.where(u < self.share, wider, self.sd) * noise
