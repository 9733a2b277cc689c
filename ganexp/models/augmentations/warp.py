"""Affine changes of images without aliasing, and twice differentiable: torch's ``grid_sample`` is so only once."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The wavelet sym6: orthogonal to itself shifted by even numbers, so that doubling and halving with it is the identity.
_SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
_CENTRE = sum(place * tap for place, tap in enumerate(_SYM6)) / sum(_SYM6)
_EDGE = len(_SYM6) - 1
SMALLEST = 7
"""Size that an image needs at least: its border is reflected by 6 pixels."""


class Warp(nn.Module):
    """Move the pixels of images, whose borders are reflected."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        # A buffer, so that it is on the device before it is needed: to copy it there waits for the device.
        self.register_buffer("kernel", torch.tensor(_SYM6), persistent=False)

    def forward(self, x: Tensor, inverse: Tensor) -> Tensor:
        """Return the moved images.

        Arguments:
            x: Images with shape (B, C, H, W), H and W of at least 7.
            inverse: Matrices with shape (B, 2, 3) that map where a pixel of the result is, (x, y, 1) from the centre, to where
                it comes from; no gradient reaches them.
        """
        height, width = x.shape[2:]
        borders = [max(side // 2, SMALLEST - 1) for side in (height, width)]
        kernel = self.kernel.to(x.dtype)
        padded = F.pad(x, (borders[1], borders[1], borders[0], borders[0]), mode="reflect")
        fine = _double(padded, kernel)[:, :, _EDGE:-_EDGE, _EDGE:-_EDGE]
        rows, columns = (
            (torch.arange(2 * side + len(_SYM6) - 2, device=x.device, dtype=x.dtype) - _CENTRE) / 2 - (side - 1) / 2
            for side in (height, width)
        )
        down, across = torch.meshgrid(rows, columns, indexing="ij")
        places = torch.stack([across, down, torch.ones_like(down)])
        grid = torch.einsum("bij,jhw->bhwi", inverse, places)
        sizes = zip((width, height), borders[::-1], (fine.shape[3], fine.shape[2]), strict=True)
        for axis, (side, border, size) in enumerate(sizes):
            # The place x is at 2 x + centre in the fine image; in a grid, -1 and 1 are the outer edges of the image.
            centre = 2 * ((side - 1) / 2 + border) + (_CENTRE - _EDGE)
            grid[..., axis].mul_(4 / size).add_((2 * centre + 1) / size - 1)
        sampled: Tensor = _Sample.apply(fine, grid)
        return _halve(sampled, kernel)


def _double(x: Tensor, kernel: Tensor) -> Tensor:
    """Map (B, C, H, W) to (B, C, 2 H + 10, 2 W + 10)."""
    maps = x.flatten(0, 1)[:, None]
    maps = F.conv_transpose2d(maps, kernel[None, None, None] * 2**0.5, stride=(1, 2))
    maps = F.conv_transpose2d(maps, kernel[None, None, :, None] * 2**0.5, stride=(2, 1))
    return maps[:, 0].unflatten(0, x.shape[:2])


def _halve(x: Tensor, kernel: Tensor) -> Tensor:
    """Map (B, C, 2 H + 10, 2 W + 10) to (B, C, H, W)."""
    maps = x.flatten(0, 1)[:, None]
    maps = F.conv2d(maps, kernel[None, None, None] / 2**0.5, stride=(1, 2))
    maps = F.conv2d(maps, kernel[None, None, :, None] / 2**0.5, stride=(2, 1))
    return maps[:, 0].unflatten(0, x.shape[:2])


class _Sample(torch.autograd.Function):
    """Sample images at the places of a grid; linear in the images, with no derivative by the grid."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = x.shape
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradient, grid, ctx.shape), None


class _Spread(torch.autograd.Function):
    """The adjoint of :class:`_Sample`, whose own derivative is that again."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        bilinear, reflection, mask = 0, 2, (True, False)
        zeros = gradient.new_zeros(shape)
        spread: Tensor = torch.ops.aten.grid_sampler_2d_backward(gradient, zeros, grid, bilinear, reflection, False, mask)[0]
        return spread

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradient, grid), None, None
