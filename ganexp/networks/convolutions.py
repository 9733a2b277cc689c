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

from ganexp.networks.sizes import Size

Kernel = Annotated[int, Field(ge=2, le=7)]


def convolution(inputs: int, outputs: int, size: Size, *, kernel: int, stride: int, bias: bool) -> list[nn.Module]:
    """Make a convolution, with a module for padding only where a size needs one zero more behind it than before it.

    Arguments:
        inputs: Channels of its input.
        outputs: Channels of its output.
        size: Size of its input; that of its output is ceil(size / stride).
        kernel: Size of the kernel, at least the stride.
        stride: Step of the kernel.
        bias: Whether there is one.
    """
    before, (rows, columns) = _padding(size, kernel, stride)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, before, bias=bias)
    return [nn.ZeroPad2d((0, columns, 0, rows)), layer] if rows or columns else [layer]


def transposed_convolution(inputs: int, outputs: int, size: Size, *, kernel: int, stride: int, bias: bool) -> list[nn.Module]:
    """Make the adjoint of :func:`convolution`, with a module for cropping only where a size loses one more behind it.

    Arguments:
        inputs: Channels of its input.
        outputs: Channels of its output.
        size: Size of its output; that of its input is ceil(size / stride).
        kernel: Size of the kernel, at least the stride.
        stride: Step of the kernel.
        bias: Whether there is one.
    """
    before, (rows, columns) = _padding(size, kernel, stride)
    layer = nn.ConvTranspose2d(inputs, outputs, kernel, stride, before, bias=bias)
    return [layer, Crop(rows, columns)] if rows or columns else [layer]


class Crop(nn.Module):
    """Leave out the last row, the last column or both of maps with shape (B, C, H, W): a view.

    Arguments:
        rows: Rows to leave out, 0 or 1.
        columns: Columns to leave out, 0 or 1.
    """

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : x.shape[-2] - self.rows, : x.shape[-1] - self.columns]


class ToMap(nn.Module):
    """Reshape (B, H * W * C) to maps with shape (B, C, H, W), where (H, W) is the base, channels last in memory: a view.

    Attributes:
        channels_last: Whether they stay so; if not, they are copied.
    """

    channels_last: bool = True

    def __init__(self, base: Size) -> None:
        super().__init__()
        self.base = base

    def forward(self, x: Tensor) -> Tensor:
        maps = x.view(x.shape[0], *self.base, -1).permute(0, 3, 1, 2)
        return maps if self.channels_last else maps.contiguous()


class FromMap(nn.Module):
    """Flatten maps with shape (B, C, H, W) to (B, H * W * C): a view if they are channels last in memory."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def _padding(size: Size, kernel: int, stride: int) -> tuple[Size, Size]:
    """Count, for each axis, the zeros before a size, and how many more there are behind it: none or one."""
    height, width = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in size)
    return (height // 2, width // 2), (height % 2, width % 2)
