"""Players of R3GAN: counts, sizes, and blocks against their definition."""

import math

import pytest
import torch
from torch.nn import functional as F

from ganexp.networks.r3gan import Block, Convolution, R3GANDiscriminator, R3GANGenerator
from support.refused import refused


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_numbers_of_parameters():
    with torch.device("meta"):
        assert count(R3GANGenerator(64, (3, 32, 32), 10)) == 20_781_952
        assert count(R3GANDiscriminator((3, 32, 32), 10)) == 21_280_512
        generator = R3GANGenerator(64, (3, 64, 64), widths=[768, 768, 768, 768, 384])
    groups = [stage[0].grouped.groups for stage in generator.stages]
    assert groups == [96, 96, 96, 96, 48]


@pytest.mark.parametrize(("size", "channels", "width"), [(8, 1, 1), (28, 1, 5), (32, 4, 24), (48, 2, 25), (96, 3, 8)])
def test_every_size_with_any_channels(size, channels, width):
    shape, y = (channels, size, size), torch.eye(3)[[0, 2, 1]]
    generator = R3GANGenerator(5, shape, 3, (-1, 1), channels=width, output_activation="tanh")
    discriminator = R3GANDiscriminator(shape, 3, 2, channels=width)
    samples = generator(torch.randn(3, 5), y)
    assert samples.shape == (3, *shape) and samples.abs().max() <= 1
    assert discriminator(samples, y).shape == (3, 2)


def test_widths_of_their_own_and_what_is_refused():
    assert R3GANGenerator(5, (3, 16, 16), widths=[4, 3, 2])(torch.randn(2, 5)).shape == (2, 3, 16, 16)
    assert R3GANDiscriminator((3, 16, 16), widths=[2, 3, 4])(torch.randn(2, 3, 16, 16)).shape == (2, 1)
    for build in (lambda shape, **options: R3GANGenerator(5, shape, **options), R3GANDiscriminator):
        with refused("network", "data"):
            build((3, 16, 16), widths=[4, 3])
        for size in (4, 31, 2048):
            with refused("network", "data"):
                build((3, size, size), channels=2)


def test_a_block_is_the_identity_at_first_and_then_what_its_definition_says():
    block = Block(4, 8, 2, 1.0)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(block(x), x)
    block.last.weight.data.normal_()
    block.biases.data.normal_()
    b1, b2 = block.biases[..., None, None]
    h = F.leaky_relu(torch.einsum("oc,bchw->bohw", block.first.weight[:, :, 0, 0], x) + b1, 0.2)
    parts = zip(h.split(4, 1), block.grouped.weight.split(4), strict=True)
    h = torch.cat([F.conv2d(part, kernel, padding=1) for part, kernel in parts], 1)
    h = F.leaky_relu(h + b2, 0.2)
    expected = x + torch.einsum("oc,bchw->bohw", block.last.weight[:, :, 0, 0], h)
    torch.testing.assert_close(block(x), expected)


def test_weights_are_drawn_with_the_gain_of_their_place():
    generator = R3GANGenerator(64, (3, 32, 32), 10, channels=64)
    discriminator = R3GANDiscriminator((3, 32, 32), 10, channels=64)
    inside = math.sqrt(2 / 1.04) * 8**-0.25
    for network in (generator, discriminator):
        for stage in network.stages:
            for block in stage:
                assert block.first.weight.std().item() == pytest.approx(inside / 8, rel=0.1)
                assert block.grouped.weight.std().item() == pytest.approx(inside / 12, rel=0.1)
                assert not block.last.weight.any() and not block.biases.any()
    assert generator.basis.std().item() == pytest.approx(1, rel=0.1)
    assert generator.output.weight.std().item() == pytest.approx(1 / 8, rel=0.15)
    assert discriminator.base.weight.std().item() == pytest.approx(1 / 4, rel=0.1)
    assert discriminator.embedding.weight.std().item() == pytest.approx(1 / 8 / math.sqrt(10), rel=0.1)


def test_the_discriminator_by_hand():
    discriminator = R3GANDiscriminator((2, 8, 8), 3, channels=4)  # blocks are the identity
    assert isinstance(discriminator.input, Convolution)
    x, y = torch.randn(2, 2, 8, 8), torch.eye(3)[[2, 0]]
    maps = discriminator.between[0](discriminator.input(x))
    features = (maps * discriminator.base.weight[:, 0]).sum((2, 3)) @ discriminator.output.weight.T
    torch.testing.assert_close(discriminator(x, y)[:, 0], (features * discriminator.embedding.weight.T[[2, 0]]).sum(1))
