"""Resampling by a factor of 2 with the binomial filter [1, 3, 3, 1], as StyleGAN2 and R3GAN do, against aliasing."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_TAPS = (1.0, 3.0, 3.0, 1.0)


class Filter(nn.Module):
    """Convolve each channel of maps with shape (B, C, H, W) with the filter, whose sum is ``gain``.

    Arguments:
        padding: Zeros on each side; the size changes by 2 * padding - 3.
        gain: Factor of the result; 4 makes up for zeros that were put between the pixels.
    """

    square: Tensor

    def __init__(self, padding: int, gain: float = 1.0) -> None:
        super().__init__()
        self.padding = padding
        # A buffer, so that it is on the device before it is needed: to copy it there waits for the device.
        square = torch.outer(torch.tensor(_TAPS), torch.tensor(_TAPS))
        self.register_buffer("square", square * (gain / square.sum()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel(x), padding=self.padding, groups=x.shape[1])

    def kernel(self, x: Tensor) -> Tensor:
        """Return the filter with shape (C, 1, 4, 4) in the type of ``x``."""
        return self.square.to(x.dtype).expand(x.shape[1], 1, -1, -1)


class Upsample(Filter):
    """Double the size of maps with shape (B, C, H, W): zeros between the pixels, then the filter."""

    def __init__(self) -> None:
        super().__init__(padding=1, gain=4.0)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.kernel(x), stride=2, padding=1, groups=x.shape[1])


class Downsample(Filter):
    """Halve the size, which is even, of maps with shape (B, C, H, W): the filter, then every second pixel."""

    def __init__(self) -> None:
        super().__init__(padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel(x), stride=2, padding=1, groups=x.shape[1])
