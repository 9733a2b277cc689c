"""Instance noise: Gaussian noise on all that the discriminator sees."""

import torch
from torch import Tensor

from ganexp.config.types import NonNegativeFloat
from ganexp.models.augmentations.base import Augmentation


class InstanceNoise(Augmentation):
    """Add N(0, sd^2) to every value of real and generated samples.

    Both distributions are blurred alike, so they overlap wherever their supports lie, and are equal exactly when those without
    noise are. With noise that fades, the generator learns the whole before the details.

    References:
        Amortised MAP Inference for Image Super-resolution (Sonderby et al., 2017), section 3.2.1,
        https://arxiv.org/abs/1610.04490

        Towards Principled Methods for Training Generative Adversarial Networks (Arjovsky and Bottou, 2017),
        https://arxiv.org/abs/1701.04862

    Arguments:
        sd: Standard deviation, in units of the data; may have a schedule.
    """

    def __init__(self, sd: NonNegativeFloat = 0.1) -> None:
        super().__init__()
        self.sd = sd

    def forward(self, x: Tensor) -> Tensor:
        return x + self.sd * torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=self.random)
