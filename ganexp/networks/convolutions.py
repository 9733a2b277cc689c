r"""Convolutions whose sizes are exactly those of TensorFlow's "same" padding, and the way between maps and vectors.

A layer with kernel :math:`k` and stride :math:`t` takes a size :math:`s` to :math:`o = \lceil s / t \rceil`. It sees
:math:`p = \max((o - 1) t + k - s, 0)` zeros, :math:`\lfloor p / 2 \rfloor` of them before the map and the rest behind it. The
transposed layer is its adjoint: it takes :math:`o` to :math:`s` and leaves out what would fall on those zeros.

References:
    TensorFlow's notes on padding,
    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

Kernel = Annotated[int, Field(ge=2, le=7)]


def convolution(inputs: int, outputs: int, size: int, *, kernel: int, stride: int, bias: bool) -> list[nn.Module]:
    """Make a convolution, with a module for padding only where a size needs one zero more behind it than before it.

    Arguments:
        inputs: Channels of its input.
        outputs: Channels of its output.
        size: Size of its input; that of its output is ceil(size / stride).
        kernel: Size of the kernel, at least the stride.
        stride: Step of the kernel.
        bias: Whether there is one.
    """
    before, behind = _padding(size, kernel, stride)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, before, bias=bias)
    return [layer] if before == behind else [nn.ZeroPad2d((0, 1, 0, 1)), layer]


def transposed_convolution(inputs: int, outputs: int, size: int, *, kernel: int, stride: int, bias: bool) -> list[nn.Module]:
    """Make the adjoint of :func:`convolution`, with a module for cropping only where a size loses one more behind it.

    Arguments:
        inputs: Channels of its input.
        outputs: Channels of its output.
        size: Size of its output; that of its input is ceil(size / stride).
        kernel: Size of the kernel, at least the stride.
        stride: Step of the kernel.
        bias: Whether there is one.
    """
    before, behind = _padding(size, kernel, stride)
    layer = nn.ConvTranspose2d(inputs, outputs, kernel, stride, before, bias=bias)
    return [layer] if before == behind else [layer, Crop()]


class Crop(nn.Module):
    """Leave out the last row and the last column of maps with shape (B, C, H, W): a view."""

    def forward(self, x: Tensor) -> Tensor:
        return x[..., :-1, :-1]


class ToMap(nn.Module):
    """Reshape (B, base * base * C) to maps with shape (B, C, base, base), channels last in memory: a view."""

    def __init__(self, base: int) -> None:
        super().__init__()
        self.base = base

    def forward(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], self.base, self.base, -1).permute(0, 3, 1, 2)


class FromMap(nn.Module):
    """Flatten maps with shape (B, C, H, W) to (B, H * W * C): a view if they are channels last in memory."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Count the zeros before and behind a size; the latter are as many or one more."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
