"""Convolutional players without strides: layers, sizes, and what is refused."""

import pytest
import torch
from torch import nn

from ganexp.networks.upsample import PoolDiscriminator, UpsampleGenerator
from support.refused import refused


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def layers(network: nn.Module, x: torch.Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Return the kind of each layer, and the shape of one sample after it."""
    found = []
    for layer in network.layers:
        x = layer(x)
        found.append((type(layer).__name__, tuple(x.shape[1:])))
    return found


def test_the_generator_of_a_tutorial_on_mnist() -> None:
    generator = UpsampleGenerator(100, (1, 28, 28), value_range=(0, 1), bias="all")
    assert layers(generator, torch.zeros(2, 100)) == [
        ("Linear", (3136,)), ("BatchNorm1d", (3136,)), ("LeakyReLU", (3136,)), ("ToMap", (64, 7, 7)),
        ("Upsample", (64, 14, 14)),
        ("ConvTranspose2d", (64, 14, 14)), ("BatchNorm2d", (64, 14, 14)), ("LeakyReLU", (64, 14, 14)),
        ("Upsample", (64, 28, 28)),
        ("ConvTranspose2d", (1, 28, 28)), ("Sigmoid", (1, 28, 28)),
    ]  # fmt: skip
    dense, norms = (100 + 1) * 3136, 2 * 3136 + 2 * 64
    assert count(generator) == dense + norms + (9 * 64 * 64 + 64) + (9 * 64 + 1) == 360_641


def test_the_discriminator_of_a_tutorial_on_mnist() -> None:
    discriminator = PoolDiscriminator((1, 28, 28), norm="batch", bias="all")
    assert layers(discriminator, torch.zeros(2, 1, 28, 28)) == [
        ("Conv2d", (64, 28, 28)), ("BatchNorm2d", (64, 28, 28)), ("LeakyReLU", (64, 28, 28)), ("MaxPool2d", (64, 14, 14)),
        ("Conv2d", (64, 14, 14)), ("BatchNorm2d", (64, 14, 14)), ("LeakyReLU", (64, 14, 14)), ("MaxPool2d", (64, 7, 7)),
        ("FromMap", (3136,)),
        ("Linear", (128,)), ("BatchNorm1d", (128,)), ("LeakyReLU", (128,)),
        ("Linear", (1,)),
    ]  # fmt: skip
    convolutions, norms = (9 * 64 + 64) + (9 * 64 * 64 + 64), 2 * (64 + 64 + 128)
    assert count(discriminator) == convolutions + norms + (3136 + 1) * 128 + (128 + 1) == 439_745
    assert count(PoolDiscriminator((1, 28, 28), 0, 11, norm="batch", bias="all")) == 439_745 + 10 * 129


def test_labels_add_latents_and_channels() -> None:
    shape = (1, 8, 8)
    assert count(UpsampleGenerator(5, shape, 10)) - count(UpsampleGenerator(5, shape)) == 10 * 2 * 2 * 64
    assert count(PoolDiscriminator(shape, 10)) - count(PoolDiscriminator(shape)) == 10 * 9 * 64


@pytest.mark.parametrize("kernel", range(2, 8))
def test_every_kernel_keeps_the_sizes(kernel: int) -> None:
    images = UpsampleGenerator(4, (3, 20, 20), widths=[3, 2], kernel=kernel)(torch.zeros(2, 4))
    assert images.shape == (2, 3, 20, 20)
    assert PoolDiscriminator((3, 20, 20), widths=[2, 3], kernel=kernel)(images).shape == (2, 1)


def test_widths_give_the_depth_and_hidden_the_linear_layers() -> None:
    shape = (1, 24, 24)
    generator = UpsampleGenerator(4, shape, widths=[5, 4, 3])
    assert [maps for kind, maps in layers(generator, torch.zeros(2, 4)) if kind in ("ToMap", "ConvTranspose2d")] == [
        (5, 3, 3), (4, 6, 6), (3, 12, 12), (1, 24, 24),
    ]  # fmt: skip
    for hidden in ([], [7, 6]):
        discriminator = PoolDiscriminator(shape, widths=[3, 4, 5], hidden=hidden)
        linear = [layer for layer in discriminator.layers if isinstance(layer, nn.Linear)]
        assert [layer.in_features for layer in linear] == [5 * 3 * 3, *hidden]


def test_a_pixel_of_the_base_becomes_a_square() -> None:
    generator = UpsampleGenerator(4, (1, 8, 8), widths=[1], norm="none", kernel=3)
    nn.init.dirac_(generator.layers[-2].weight)  # an identity
    images = generator(torch.randn(3, 4))
    blocks = images.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
    assert torch.equal(blocks, blocks[..., :1].expand_as(blocks))
    assert len(blocks.unique()) == 3 * 16


@pytest.mark.parametrize("build", [lambda shape: UpsampleGenerator(4, shape), PoolDiscriminator])
def test_sizes_that_are_no_multiples_are_refused_with_the_nearest(build):
    for size, nearest in ((2, 4), (27, 28), (29, 28), (31, 32)):
        with refused("network", "data") as refusal:
            build((1, size, size))
        assert f"data.size={nearest}," in refusal.value.hint
    with refused("network", "data") as refusal:
        build((1, 28, 30))
    assert "data.size=[28,32]" in refusal.value.hint
    with refused("model", "network", "data"):
        build((2,))


def test_dropout_is_listed_for_convolutions_and_then_linear_layers():
    discriminator = PoolDiscriminator((1, 8, 8), widths=[2], hidden=[3, 4], dropout=[0.1, 0, 0.3])
    assert [layer.p for layer in discriminator.layers if isinstance(layer, nn.Dropout)] == [0.1, 0.3]
    assert type(discriminator.layers[-2]) is nn.Dropout
