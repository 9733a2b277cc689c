"""Convolutional players: sides, widths, and what is refused."""

import pytest
import torch
from torch import nn

from ganexp.errors import ConfigError
from ganexp.networks.dcgan import DCGANDiscriminator, DCGANGenerator

# Every side that is allowed, with its base: half of it, half of that, and so on, until it is odd or below 8.
BASES = {
    8: 4, 10: 5, 12: 6, 14: 7, 16: 4, 18: 9, 20: 5, 22: 11, 24: 6, 26: 13, 28: 7, 30: 15,
    32: 4, 36: 9, 40: 5, 44: 11, 48: 6, 52: 13, 56: 7, 60: 15, 64: 4,
}  # fmt: skip


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("side", BASES)
def test_every_allowed_side_is_made_from_its_base(side: int) -> None:
    generator = DCGANGenerator(4, (1, side, side), channels=2)
    discriminator = DCGANDiscriminator((1, side, side), channels=2)
    x = generator(torch.zeros(2, 4))
    assert x.shape == (2, 1, side, side)
    assert discriminator(x).shape == (2, 1)
    deepest = 2 * side // BASES[side] // 2
    assert generator.layers[0].out_features == discriminator.layers[-1].in_features == BASES[side] ** 2 * deepest


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("side", [8, 20, 28])
def test_sides_double_and_halve_exactly_for_every_kernel(kernel: int, side: int) -> None:
    generator = DCGANGenerator(4, (3, side, side), channels=2, kernel=kernel)
    discriminator = DCGANDiscriminator((3, side, side), channels=2, kernel=kernel)
    sides = []
    for layer in [*generator.modules(), *discriminator.modules()]:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _, args, out: sides.append((args[0].shape[-1], out.shape[-1])))
    discriminator(generator(torch.zeros(2, 4)))
    half = len(sides) // 2
    assert all(after == 2 * before for before, after in sides[:half])
    assert all(before == 2 * after for before, after in sides[half:])


@pytest.mark.parametrize("shape", [(1, side, side) for side in range(1, 70) if side not in BASES])
def test_every_other_side_is_refused_with_the_nearest_that_fits(shape: tuple[int, int, int]) -> None:
    for build in (lambda: DCGANGenerator(4, shape), lambda: DCGANDiscriminator(shape)):
        with pytest.raises(ConfigError, match="square images with a side from 8 to 64") as refusal:
            build()
        assert refusal.value.keys == ("model", "network", "data")
        nearest = min(abs(side - shape[1]) for side in BASES)
        assert any(f"resize the images to {side}x{side}," in str(refusal.value)
                   for side in BASES if abs(side - shape[1]) == nearest)  # fmt: skip


def test_oblong_images_and_points_are_refused_with_a_way_out() -> None:
    with pytest.raises(ConfigError, match="images of 32x28 .*resize the images to 32x32, or use model=gan"):
        DCGANGenerator(4, (1, 32, 28))
    for build in (lambda: DCGANGenerator(4, (2,)), lambda: DCGANDiscriminator((2,))):
        with pytest.raises(ConfigError, match="needs? images, but the data has points of 2 dimensions") as refusal:
            build()
        assert refusal.value.hint == "use model=gan (or network=mlp), or image data such as data=digits"
        assert refusal.value.keys == ("model", "network", "data")


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
    assert count(labelled) - count(plain) == 10 * 16 * 64
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
    assert [type(layer).__name__ for layer in generator.layers] == [
        "Linear", "_ToMap", *between, "ReLU", "ConvTranspose2d", *between, "ReLU", "ConvTranspose2d", "Tanh",
    ]  # fmt: skip
    assert [type(layer).__name__ for layer in discriminator.layers] == [
        "Conv2d", "LeakyReLU", "Conv2d", *between, "LeakyReLU", "_FromMap", "Linear",
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
