"""Convolutions with TensorFlow's "same" padding, and the adjoints of those."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganexp.networks.convolutions import FromMap, ToMap, convolution, transposed_convolution


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def weighted(layers: list[nn.Module]) -> nn.Module:
    (layer,) = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    return layer


def same(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Convolve as TensorFlow's notes on padding say."""
    size, kernel = x.shape[-1], weight.shape[-1]
    total = max(kernel - stride, 0) if size % stride == 0 else max(kernel - size % stride, 0)
    left = total // 2
    return F.conv2d(F.pad(x, (left, total - left, left, total - left)), weight, stride=stride)


@pytest.mark.parametrize("kernel", range(2, 8))
def test_a_convolution_is_that_of_tensorflow_and_a_transposed_one_its_adjoint(kernel: int) -> None:
    for size, stride in product((1, 2, 7, 14), (1, 2)):
        down = nn.Sequential(*convolution(2, 3, (size, size), kernel=kernel, stride=stride, bias=False)).double()
        up = nn.Sequential(*transposed_convolution(3, 2, (size, size), kernel=kernel, stride=stride, bias=False)).double()
        weighted(list(up)).weight = weighted(list(down)).weight
        x = torch.randn(2, 2, size, size, dtype=torch.double)
        y = torch.randn(2, 3, *[math.ceil(size / stride)] * 2, dtype=torch.double)
        assert (down(x).shape, up(y).shape) == (y.shape, x.shape)
        torch.testing.assert_close(down(x), same(x, weighted(list(down)).weight, stride))
        torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())


def test_padding_that_tensorflow_is_known_for() -> None:
    # 28 -> 14 -> 7 -> 4 with 5x5 kernels: one zero before and two behind, and two on both sides of an odd one.
    for size, before, behind in ((28, 1, 2), (14, 1, 2), (7, 2, 2)):
        layers = convolution(1, 1, (size, size), kernel=5, stride=2, bias=False)
        layer = weighted(layers)
        nn.init.ones_(layer.weight)
        seen = nn.Sequential(*layers)(torch.ones(1, 1, size, size))[0, 0]
        assert seen[0, 0].item() == (5 - before) ** 2
        assert seen[-1, -1].item() == (5 - behind) ** 2


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (2, 2), (6, 2), (3, 1), (5, 1)])
def test_nothing_is_added_where_both_edges_are_padded_alike(kernel: int, stride: int) -> None:
    for make in (convolution, transposed_convolution):
        (layer,) = make(1, 1, (16, 16), kernel=kernel, stride=stride, bias=True)
        assert layer.padding == ((kernel - stride) // 2,) * 2
        assert layer.bias is not None


def test_maps_and_vectors_are_views_of_each_other() -> None:
    x = torch.randn(2, 3 * 3 * 5)
    maps = ToMap((3, 3))(x)
    assert maps.shape == (2, 5, 3, 3)
    assert maps.is_contiguous(memory_format=torch.channels_last)
    vectors = FromMap()(maps)
    assert torch.equal(vectors, x)
    assert vectors.data_ptr() == maps.data_ptr() == x.data_ptr()
