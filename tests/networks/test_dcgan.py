"""Convolutional players: sizes, widths, and what is refused."""

import pytest
import torch
from torch import nn

from ganexp.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from support.refused import refused

# Sizes with their halvings, rounded up: down to a side below 7, and at least two.
HALVED = {
    8: (4, 2), 9: (5, 3), 10: (5, 3), 12: (6, 3), 13: (7, 4), 14: (7, 4), 16: (8, 4), 24: (12, 6), 28: (14, 7, 4),
    31: (16, 8, 4), 32: (16, 8, 4), 36: (18, 9, 5), 48: (24, 12, 6), 50: (25, 13, 7, 4), 64: (32, 16, 8, 4),
    96: (48, 24, 12, 6), 111: (56, 28, 14, 7, 4), 128: (64, 32, 16, 8, 4),
}  # fmt: skip


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def shapes(network: nn.Module, x: torch.Tensor, kinds: type) -> list[tuple[int, ...]]:
    """Return the shape of one sample after each layer of some kinds."""
    found = []
    for layer in network.layers:
        x = layer(x)
        if isinstance(layer, kinds):
            found.append(tuple(x.shape[1:]))
    return found


def kinds(network: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize("size", HALVED)
def test_sizes_from_8_to_128_are_made_from_their_bases(size: int) -> None:
    generator = DCGANGenerator(4, (1, size, size), channels=2)
    discriminator = DCGANDiscriminator((1, size, size), channels=2)
    x = generator(torch.zeros(2, 4))
    assert x.shape == (2, 1, size, size)
    assert discriminator(x).shape == (2, 1)
    base, deepest = HALVED[size][-1], 2 ** len(HALVED[size])
    assert generator.layers[0].out_features == discriminator.layers[-1].in_features == base**2 * deepest


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("size", [8, 28, 50])
def test_sizes_double_and_halve_for_every_kernel(kernel: int, size: int) -> None:
    generator = DCGANGenerator(4, (3, size, size), channels=2, kernel=kernel)
    discriminator = DCGANDiscriminator((3, size, size), channels=2, kernel=kernel)
    up = [maps[-1] for maps in shapes(generator, torch.zeros(2, 4), nn.ReLU | nn.Identity)]
    down = [maps[-1] for maps in shapes(discriminator, torch.zeros(2, 3, size, size), nn.LeakyReLU)]
    assert down == list(HALVED[size]) and up == [*reversed(down), size]


def test_the_smaller_side_decides_how_deep_the_networks_are() -> None:
    generator = DCGANGenerator(4, (1, 20, 128), channels=2)
    assert generator(torch.zeros(2, 4)).shape == (2, 1, 20, 128)
    assert generator.layers[0].out_features == 5 * 32 * 4


@pytest.mark.parametrize("build", [lambda shape, **options: DCGANGenerator(4, shape, **options), DCGANDiscriminator])
def test_images_of_other_sizes_or_forms_and_points_are_refused(build):
    for size, nearest in ((1, 8), (7, 8), (129, 128), (500, 128)):
        with refused("network", "data") as refusal:
            build((1, size, size))
        assert f"data.size={nearest}," in refusal.value.hint
    for shape, fitting in (((1, 8, 200), "[8,128]"), ((1, 33, 1), "[33,8]"), ((1, 130, 16), "[128,16]")):
        with refused("network", "data") as refusal:
            build(shape)
        assert "8 to 128 pixels a side" in refusal.value.message and f"data.size={fitting}," in refusal.value.hint
    with refused("model", "network", "data"):
        build((2,))
    build((1, 28, 28), widths=[2] * 5)  # 28, 14, 7, 4, 2, 1
    with refused("network", "data") as refusal:
        build((1, 28, 28), widths=[2] * 6)
    assert "at most 5 widths" in refusal.value.hint


def test_the_generator_has_the_parameters_of_the_dcgan_tutorial() -> None:
    # 64x64: 512 x 4 x 4 -> 256 -> 128 -> 64 -> 3, 4x4 kernels, batch norm, no bias before a norm.
    generator = DCGANGenerator(100, (3, 64, 64))
    weights = 100 * 512 * 16 + 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3)
    assert count(generator) == weights + 2 * (512 + 256 + 128 + 64) + 3


def test_the_discriminator_has_the_parameters_of_the_dcgan_tutorial() -> None:
    # As the generator, with no norm next to the image, so that there is a bias.
    discriminator = DCGANDiscriminator((3, 64, 64))
    weights = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 512 * 16
    assert count(discriminator) == weights + 2 * (128 + 256 + 512) + 64 + 1


def test_labels_add_latents_and_channels() -> None:
    plain, labelled = DCGANGenerator(100, (1, 8, 8)), DCGANGenerator(100, (1, 8, 8), num_classes=10)
    assert count(labelled) - count(plain) == 10 * 2**2 * 128
    plain, labelled = DCGANDiscriminator((1, 8, 8)), DCGANDiscriminator((1, 8, 8), num_classes=10)
    assert count(labelled) - count(plain) == 10 * 64 * 16


def test_a_label_is_a_constant_map() -> None:
    discriminator = DCGANDiscriminator((1, 8, 8), num_classes=3)
    seen = []
    discriminator.layers[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    x = torch.rand(2, 1, 8, 8)
    discriminator(x, torch.eye(3)[[2, 0]])
    assert torch.equal(seen[0][:, :1], x)
    assert torch.equal(seen[0][:, 1:], torch.eye(3)[[2, 0]][:, :, None, None].expand(-1, -1, 8, 8))


@pytest.mark.parametrize("norm", ["none", "batch", "instance", "layer"])
def test_norms_stand_between_hidden_layers_and_their_activations(norm: str) -> None:
    name = {"batch": "BatchNorm2d", "instance": "InstanceNorm2d", "layer": "GroupNorm"}
    between = [name[norm]] if norm in name else []
    generator = DCGANGenerator(4, (1, 16, 16), channels=2, norm=norm, value_range=(-1, 1))
    discriminator = DCGANDiscriminator((1, 16, 16), channels=2, norm=norm)
    assert kinds(generator) == [
        "Linear", "ToMap", *between, "ReLU", "ConvTranspose2d", *between, "ReLU", "ConvTranspose2d", "Tanh",
    ]  # fmt: skip
    assert kinds(discriminator) == [
        "Conv2d", "LeakyReLU", "Conv2d", *between, "LeakyReLU", "FromMap", "Linear",
    ]  # fmt: skip
    discriminator(generator(torch.randn(3, 4))).sum().backward()


def test_weights_are_channels_last_and_results_do_not_depend_on_it() -> None:
    discriminator = DCGANDiscriminator((3, 16, 16), channels=4)
    assert discriminator.layers[2].weight.is_contiguous(memory_format=torch.channels_last)
    x = torch.rand(2, 3, 16, 16)
    found = discriminator(x)
    torch.testing.assert_close(discriminator(x.to(memory_format=torch.channels_last)), found)
    torch.testing.assert_close(discriminator.to(memory_format=torch.contiguous_format)(x), found)


def test_layers_are_drawn_as_dcgan_draws_them() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator, discriminator = DCGANGenerator(100, (3, 32, 32)), DCGANDiscriminator((3, 32, 32))
    for layer in [*generator.modules(), *discriminator.modules()]:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert layer.bias is None or not layer.bias.any()


def test_a_tutorial_with_5x5_kernels_on_mnist() -> None:
    generator = DCGANGenerator(100, (1, 28, 28), widths=[128, 64], kernel=5, norm="none", projection_bias=False)
    discriminator = DCGANDiscriminator((1, 28, 28), widths=[64, 128, 256], kernel=5, norm="none")
    assert shapes(generator, torch.zeros(2, 100), nn.ReLU | nn.Identity) == [(128, 7, 7), (64, 14, 14), (1, 28, 28)]
    assert shapes(discriminator, torch.zeros(2, 1, 28, 28), nn.LeakyReLU | nn.Linear) == [
        (64, 14, 14), (128, 7, 7), (256, 4, 4), (1,),
    ]  # fmt: skip
    assert count(generator) == 100 * 7 * 7 * 128 + (25 * 128 * 64 + 64) + (25 * 64 + 1)
    weights = 25 * (64 + 64 * 128 + 128 * 256) + 4 * 4 * 256
    assert count(discriminator) == weights + 64 + 128 + 256 + 1


def test_a_convolutional_tutorial_on_cifar10() -> None:
    options = {"bias": "none", "norm": "batch", "ends": "convolution"}
    generator = DCGANGenerator(100, (3, 32, 32), widths=[256, 128, 64], **options)
    discriminator = DCGANDiscriminator((3, 32, 32), widths=[64, 128, 256], first_norm=True, **options)
    assert shapes(generator, torch.zeros(2, 100), nn.ConvTranspose2d) == [
        (256, 4, 4), (128, 8, 8), (64, 16, 16), (3, 32, 32),
    ]  # fmt: skip
    assert shapes(discriminator, torch.zeros(2, 3, 32, 32), nn.Conv2d) == [
        (64, 16, 16), (128, 8, 8), (256, 4, 4), (1, 1, 1),
    ]  # fmt: skip
    assert kinds(generator)[1:] == ["ConvTranspose2d", "BatchNorm2d", "ReLU"] * 3 + ["ConvTranspose2d", "Identity"]
    assert kinds(discriminator) == ["Conv2d", "BatchNorm2d", "LeakyReLU"] * 3 + ["Conv2d", "Flatten"]
    weights, norms = 256 * 128 + 128 * 64 + 64 * 3, 2 * (256 + 128 + 64)
    assert count(generator) == 16 * (100 * 256 + weights) + norms
    assert count(discriminator) == 16 * (weights + 256) + norms


def test_the_networks_of_the_paper() -> None:
    with torch.device("meta"):
        generator = DCGANGenerator(100, (3, 64, 64), widths=[1024, 512, 256, 128])
        discriminator = DCGANDiscriminator((3, 64, 64), widths=[128, 256, 512, 1024], norm="batch")
        by_channels = (
            DCGANGenerator(100, (3, 64, 64), channels=128),
            DCGANDiscriminator((3, 64, 64), channels=128, norm="batch"),
        )
        maps = shapes(generator, torch.zeros(2, 100), nn.ReLU | nn.Identity)
    assert maps == [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]
    weights = 16 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert count(generator) == 100 * 16 * 1024 + weights + 2 * (1024 + 512 + 256 + 128) + 3
    assert count(discriminator) == weights + 16 * 1024 + 2 * (256 + 512 + 1024) + 128 + 1
    assert [str(network) for network in by_channels] == [str(generator), str(discriminator)]


@pytest.mark.parametrize("size", [2, 7, 27, 28, 33, 100])
def test_every_size_will_do_where_widths_are_given(size: int) -> None:
    images = DCGANGenerator(4, (1, size, size), widths=[2])(torch.zeros(2, 4))
    assert images.shape == (2, 1, size, size)
    assert DCGANDiscriminator((1, size, size), widths=[2], kernel=5)(images).shape == (2, 1)


def test_convolutions_at_the_ends_compute_what_linear_layers_do() -> None:
    shape, options = (1, 12, 12), {"widths": [3], "norm": "none", "bias": "all"}
    linear, ends = DCGANGenerator(5, shape, 2, **options), DCGANGenerator(5, shape, 2, ends="convolution", **options)
    ends.layers[1].weight.data = linear.layers[0].weight.data.T.reshape(7, 6, 6, 3).permute(0, 3, 1, 2)
    ends.layers[-2].load_state_dict(linear.layers[-2].state_dict())
    z, y = torch.randn(4, 5), torch.eye(2)[[0, 1, 1, 0]]
    torch.testing.assert_close(ends(z, y), linear(z, y))
    linear, ends = DCGANDiscriminator(shape, 2, 3, **options), DCGANDiscriminator(shape, 2, 3, ends="convolution", **options)
    ends.layers[0].load_state_dict(linear.layers[0].state_dict())
    ends.layers[-2].weight.data = linear.layers[-1].weight.data.reshape(3, 6, 6, 3).permute(0, 3, 1, 2)
    x = torch.randn(4, *shape)
    torch.testing.assert_close(ends(x, y), linear(x, y))


def test_the_projection_has_a_bias_of_its_own() -> None:
    for ends, first in (("linear", 0), ("convolution", 1)):
        for bias, given, expected in (("all", False, False), ("none", True, True), ("all", None, True), ("none", None, False)):
            generator = DCGANGenerator(4, (1, 8, 8), channels=2, ends=ends, bias=bias, projection_bias=given)
            assert (generator.layers[first].bias is not None) == expected
            assert (generator.layers[-2].bias is not None) == (bias == "all")
