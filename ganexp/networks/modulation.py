"""Convolutions whose input channels are scaled by a style, as in StyleGAN2's generator."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganexp.networks.equalised import EqualLinear, Scaled, activate
from ganexp.networks.filters import Filter
from ganexp.networks.precision import full, unmixed
from ganexp.networks.recompute import Recomputable
from ganexp.networks.sizes import Size


class ModulatedConv(Scaled):
    r"""Convolve maps of sample b with its own kernel: the weights times :math:`s_i(w_b)` for each input channel i.

    Demodulated, each output channel is divided by the norm of its kernel. Both are applied to the maps, before and after one
    convolution of the whole batch, which is the same.

    References:
        Analyzing and Improving the Image Quality of StyleGAN (Karras et al., 2020), section 2.2,
        https://arxiv.org/abs/1912.04958

    Arguments:
        inputs: Channels of the maps.
        outputs: Channels of the result.
        style_dim: Length of w.
        kernel: Size of the kernel, odd.
        demodulate: Whether the kernels are normalised; if not, they are divided by the root of their number of weights.
        up: Whether the size is doubled.
    """

    def __init__(
        self, inputs: int, outputs: int, style_dim: int, *, kernel: int = 3, demodulate: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.style = EqualLinear(style_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.padding, self.demodulate = kernel // 2, demodulate
        self.factor = 1.0 if demodulate else 1 / math.sqrt(inputs * kernel**2)
        self.filter = Filter(padding=1, gain=4.0) if up else None

    def used(self) -> Tensor:
        """Return the kernels for a style that scales by 1, as all do on average at first."""
        weight = full(self.weight)
        if not self.demodulate:
            return weight * self.factor
        return weight * (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).rsqrt()

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x with shape (B, inputs, H, W), and w with shape (B, style_dim), to maps."""
        style = self.style(w) * self.factor
        x = x * style.to(x.dtype)[:, :, None, None]
        if self.filter is None:
            x = F.conv2d(x, self.weight, padding=self.padding)
        else:
            x = self.filter(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2))
        if self.demodulate:
            with unmixed(x):
                norms = style.square() @ full(self.weight).square().sum((2, 3)).T
                x = x * (norms + 1e-8).rsqrt().to(x.dtype)[:, :, None, None]
        return x


class StyledLayer(Recomputable):
    """A modulated 3x3 convolution, noise, a bias and the activation.

    While it trains, every pixel of every sample gets noise of its own; in evaluation mode the noise is always the same, so that
    a sample depends on its latent alone.

    Arguments:
        inputs: Channels of the maps.
        outputs: Channels of the result.
        style_dim: Length of w.
        size: Height and width of the result.
        up: Whether it is twice that of the maps.
    """

    noise: Tensor

    def __init__(self, inputs: int, outputs: int, style_dim: int, size: Size, *, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, style_dim, up=up)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise", torch.randn(1, 1, *size))

    def compute(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x with shape (B, inputs, H, W), and w with shape (B, style_dim), to maps with shape (B, outputs, *size)."""
        x = self.conv(x, w)
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise.to(x.dtype)
        return activate(x + noise * self.strength.to(x.dtype) + self.bias.to(x.dtype)[:, None, None])


class ToImage(nn.Module):
    """A modulated 1x1 convolution with a bias, whose result is in float32 at least.

    Arguments:
        inputs: Channels of the maps.
        channels: Channels of the image.
        style_dim: Length of w.
    """

    def __init__(self, inputs: int, channels: int, style_dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, channels, style_dim, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x with shape (B, inputs, H, W), and w with shape (B, style_dim), to images with shape (B, channels, H, W)."""
        return full(self.conv(x, w)) + full(self.bias)[:, None, None]
