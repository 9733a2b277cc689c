"""Residual players: sizes, counts, blocks, and what labels and attention do."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganexp.networks.biggan import BigGANGenerator
from ganexp.networks.initialisation import Initialisation
from ganexp.networks.layer import Layer
from ganexp.networks.residual import Block, ConditionalNorm, SelfAttention, down, up
from ganexp.networks.resnet import ResNetDiscriminator, ResNetGenerator
from support.refused import refused

ATTENTION = {
    "generator": {28: [14, 28], 32: [8, 16, 32], 48: [12, 24, 48], 64: [8, 16, 32, 64], 96: [48], 128: [64]},
    "discriminator": {28: [14, 7], 32: [16, 8], 48: [24, 12, 6, 3], 64: [32, 16, 8, 4, 2], 96: [3], 128: [64, 4]},
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("size", "generator", "conditional", "discriminator"),
    [
        (28, 4_119_555, 4_137_987, 1_053_825),
        (32, 4_276_739, 4_304_387, 1_053_825),
        (48, 4_878_083, 4_902_275, 10_141_441),
        (64, 12_220_675, 12_272_515, 10_141_441),
        (96, 14_862_595, 14_914_435, 10_141_441),
        (128, 32_150_787, 32_239_491, 29_017_857),
    ],
)
def test_the_published_numbers_of_parameters(size, generator, conditional, discriminator):
    shape, plain = (3, size, size), {"spectral_norm": False}  # which has no parameters of its own, and takes long on meta
    with torch.device("meta"):
        assert count(ResNetGenerator(128, shape)) == generator
        assert count(ResNetGenerator(128, shape, 10)) == conditional
        assert count(ResNetDiscriminator(shape, **plain)) == discriminator
        features = 128 if size < 48 else 1024
        assert count(ResNetDiscriminator(shape, outputs=11, **plain)) == discriminator + 10 * (features + 1)
        assert count(ResNetDiscriminator(shape, 10, **plain)) == discriminator + 10 * 10 * (128 if size < 48 else 64)


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (48, 1), (64, 3), (96, 4), (128, 1)])
def test_every_size_with_any_channels_and_attention_at_every_map(size, channels):
    shape, y = (channels, size, size), torch.eye(3)[[0, 2]]
    for attention in ATTENTION["generator"][size]:
        generator = ResNetGenerator(5, shape, 3, (-1, 1), channels=2, attention=attention)
        assert generator(torch.randn(2, 5), y).shape == (2, *shape)
    for attention in ATTENTION["discriminator"][size]:
        discriminator = ResNetDiscriminator(shape, 3, 4, channels=2, attention=attention)
        inputs = []
        (module,) = (module for module in discriminator.modules() if isinstance(module, SelfAttention))
        module.register_forward_pre_hook(lambda _, args, inputs=inputs: inputs.append(args[0].shape[2]))
        assert discriminator(torch.randn(2, *shape), y).shape == (2, 4)
        assert inputs == [attention]
    for build, first in ((ResNetGenerator, (5,)), (ResNetDiscriminator, ())):
        with refused("network") as refusal:
            build(*first, shape, channels=2, attention=5)
        assert "choices: " in refusal.value.hint


def test_other_sizes_are_refused_with_those_that_fit():
    for build in (lambda shape: ResNetGenerator(5, shape), ResNetDiscriminator):
        for size, nearest in ((8, 28), (31, 32), (65, 64), (300, 128)):
            with refused("network", "data") as refusal:
                build((3, size, size))
            assert "28, 32, 48, 64, 96, 128" in str(refusal.value) and f"data.size={nearest}," in refusal.value.hint
        with refused("network", "data") as refusal:
            build((3, 60, 44))
        assert "[56,48]" in refusal.value.hint
        with refused("model", "network", "data"):
            build((2,))


def test_a_block_of_the_generator_by_hand():
    block = up(3, 5, Layer(norm="batch", bias="all"), 0)
    norm1, _, _, conv1, norm2, _, conv2 = block.residual
    shortcut = block.shortcut[0]
    x = torch.randn(4, 3, 6, 6)

    def double(maps):
        return maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def norm(maps, module):
        maps = (maps - maps.mean((0, 2, 3), keepdim=True)) / (maps.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
        return F.relu(maps * module.weight[:, None, None] + module.bias[:, None, None])

    h = F.conv2d(double(norm(x, norm1)), conv1.weight, conv1.bias, padding=1)
    h = F.conv2d(norm(h, norm2), conv2.weight, conv2.bias, padding=1)
    torch.testing.assert_close(block(x), h + F.conv2d(double(x), shortcut.weight, shortcut.bias), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("first", "halve", "outputs"), [(1, 1, 5), (0, 1, 5), (0, 0, 3), (0, 0, 5)])
def test_a_block_of_the_discriminator_by_hand(first, halve, outputs):
    block = down(3, outputs, Layer(bias="all"), halve=halve, first=first)
    conv1, conv2 = (module for module in block.residual if isinstance(module, nn.Conv2d))
    x = torch.randn(4, 3, 6, 6)
    kept = x.clone()
    h = F.conv2d(x if first else F.relu(x), conv1.weight, conv1.bias, padding=1)
    h = F.conv2d(F.relu(h), conv2.weight, conv2.bias, padding=1)
    around = [module for module in block.shortcut if isinstance(module, nn.Conv2d)]
    shortcut = F.conv2d(x, around[0].weight, around[0].bias) if around else x
    assert bool(around) == (halve or outputs != 3)
    expected = F.avg_pool2d(h + shortcut, 2) if halve else h + shortcut
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-4)
    assert torch.equal(x, kept), "an activation in place would change what the shortcut gets"


def test_labels_are_projected_on_the_sums():
    discriminator = ResNetDiscriminator((1, 28, 28), 3, channels=4, labels="projection", spectral_norm=False)
    with torch.device("meta"):
        published = ResNetDiscriminator((3, 32, 32), 10, labels="projection", spectral_norm=False)
    assert count(published) == 1_053_825 + 1_280
    x, y = torch.randn(2, 1, 28, 28), torch.eye(3)[[2, 0]]
    features = F.relu(discriminator.blocks(x)).sum((2, 3))
    expected = discriminator.output(features)[:, 0] + (features * discriminator.embedding.weight.T[[2, 0]]).sum(1)
    torch.testing.assert_close(discriminator(x, y)[:, 0], expected)


def test_the_published_numbers_of_parameters_of_biggan():
    options = {"attention": 16, "spectral_norm": False}
    with torch.device("meta"):
        assert count(BigGANGenerator(80, (3, 32, 32), 10, **options)) == 9_416_196
        discriminator = ResNetDiscriminator((3, 32, 32), 10, channels=192, labels="projection", **options)
        assert count(discriminator) == 2_415_170


def test_each_block_of_biggan_has_its_own_part_of_the_latent_and_the_shared_embedding():
    generator = BigGANGenerator(9, (1, 32, 32), 3, channels=2, embedding=4, attention=None).eval()
    seen = []
    for block in generator.blocks:
        block.register_forward_pre_hook(lambda _, args: seen.append(args[1]))
    z, y = torch.randn(2, 9), torch.eye(3)[[2, 0]]
    assert generator(z, y).shape == (2, 1, 32, 32)
    first, *others = z.tensor_split(4, 1)
    assert generator.base[0].in_features == first.shape[1] == 3
    assert len(seen) == len(others) == 3
    for condition, part in zip(seen, others, strict=True):
        torch.testing.assert_close(condition, torch.cat([generator.embedding(y), part], 1))
    assert BigGANGenerator(9, (3, 48, 48), channels=1, attention=24)(z).shape == (2, 3, 48, 48)
    with refused("model.latent_dim"):
        BigGANGenerator(3, (1, 32, 32), channels=2)


def test_the_discriminator_is_linear_in_sums_over_space():
    discriminator = ResNetDiscriminator((1, 28, 28), channels=4, spectral_norm=False)
    x = torch.randn(2, 1, 28, 28)
    maps = F.relu(discriminator.blocks(x))
    torch.testing.assert_close(discriminator(x), discriminator.output(maps.flatten(2).sum(2)))


@pytest.mark.parametrize("make", [nn.BatchNorm2d, lambda width: nn.GroupNorm(1, width)])
def test_a_conditional_norm_scales_and_shifts_by_label(make):
    plain, conditional = make(4), ConditionalNorm(make(4), 4, 3)
    x, y = torch.randn(5, 4, 6, 6), torch.eye(3)[[0, 1, 2, 1, 0]]
    nn.init.zeros_(conditional.affine.weight)
    torch.testing.assert_close(conditional(x, y), plain(x))
    gain, shift = torch.randn(3, 4), torch.randn(3, 4)
    conditional.affine.weight.data = torch.cat([gain, shift], dim=1).T
    rows = y.argmax(1)
    expected = plain(x) * (1 + gain[rows])[..., None, None] + shift[rows][..., None, None]
    torch.testing.assert_close(conditional(x, y), expected)
    assert [name for name, _ in conditional.named_parameters()] == ["affine.weight"]


def test_labels_are_in_both_norms_of_each_block_whatever_the_norm_and_its_position():
    for options in ({}, {"norm": "layer", "norm_position": "after"}, {"norm": "none"}):
        generator = ResNetGenerator(5, (1, 32, 32), 3, channels=2, **options)
        for block in generator.blocks:
            assert sum(isinstance(module, ConditionalNorm) for module in block.residual) == 2
        assert not any(isinstance(module, ConditionalNorm) for module in generator.output)


def test_attention_is_the_identity_at_first_and_then_what_its_definition_says():
    attention = SelfAttention(8)
    x = torch.randn(2, 8, 4, 6)
    assert torch.equal(attention(x), x)
    attention.gamma.data.fill_(0.7)

    def rows(convolution, pool):
        maps = torch.einsum("oc,bchw->bohw", convolution.weight[:, :, 0, 0], x)
        return (maps.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5)) if pool else maps).flatten(2)

    theta, phi, g = rows(attention.theta, False), rows(attention.phi, True), rows(attention.g, True)
    expected = x.clone()
    for sample in range(2):
        for pixel in range(24):
            weights = torch.softmax(theta[sample, :, pixel] @ phi[sample], dim=0)
            seen = attention.o.weight[:, :, 0, 0] @ (g[sample] @ weights)
            expected[sample, :, pixel // 6, pixel % 6] += 0.7 * seen
    torch.testing.assert_close(attention(x), expected)


def test_with_attention_all_gradients_are_finite_twice():
    discriminator = ResNetDiscriminator((1, 28, 28), channels=8, attention=14)
    (module,) = (module for module in discriminator.modules() if isinstance(module, SelfAttention))
    module.gamma.data.fill_(0.5)
    x = torch.randn(3, 1, 28, 28, requires_grad=True)
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    # Biases of the last maps act on no gradient; everything that the input passes through does.
    assert all(p.grad.isfinite().all() for p in discriminator.parameters() if p.grad is not None)
    assert all(p.grad is not None and p.grad.any() for name, p in discriminator.named_parameters() if name.endswith("original"))


def test_weights_are_drawn_with_the_gain_of_their_place():
    generator = ResNetGenerator(128, (3, 32, 32), 10, channels=32, attention=16)
    for block in generator.blocks:
        if isinstance(block, Block):
            for module in (*block.residual, *block.shortcut):
                if isinstance(module, nn.Conv2d):
                    gain = 2**0.5 if module.kernel_size == (3, 3) else 1
                    fans = sum(module.weight.shape[:2]) * module.weight[0, 0].numel()
                    assert module.weight.std().item() == pytest.approx(gain * (2 / fans) ** 0.5, rel=0.1)
    fans = (32 + 3) * 9
    assert generator.output[-2].weight.std().item() == pytest.approx((2 / fans) ** 0.5, rel=0.1)
    normal = ResNetGenerator(128, (3, 32, 32), channels=32, init=Initialisation("normal"))
    assert all(p.std().item() == pytest.approx(0.02, rel=0.1) for p in normal.parameters() if p.dim() == 4)
