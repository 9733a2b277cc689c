"""Players of StyleGAN2: counts, sizes, and layers against their definition."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganexp.networks.equalised import EqualConv2d, EqualLinear, normalise
from ganexp.networks.filters import Downsample, Filter, Upsample
from ganexp.networks.modulation import ModulatedConv, StyledLayer, ToImage
from ganexp.networks.stylegan2 import GroupDeviation, Mapping, StyleGAN2Discriminator, StyleGAN2Generator
from support.refused import refused


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_numbers_of_parameters():
    shape = (3, 32, 32)
    with torch.device("meta"):
        assert count(StyleGAN2Generator(512, shape, 10, mapping_layers=2)) == 20_215_315
        assert count(StyleGAN2Discriminator(shape, 10, blocks="plain")) == 23_089_664
        # At 256: 512 channels up to 64, then 256 and 128; labels take their embedding and the wider first layer of the mapping.
        g = StyleGAN2Generator(512, (3, 256, 256))
        assert [layer.bias.numel() for layer in g.layers] == [512, 512, 512, 512, 256, 128]
        assert count(StyleGAN2Generator(512, (3, 256, 256), 10)) - count(g) == 10 * 512 + 512 + 512 * 512


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 4), (48, 2), (96, 3), (128, 3)])
@pytest.mark.parametrize("blocks", ["resnet", "plain"])
def test_every_size_with_any_channels(size, channels, blocks):
    shape, y = (channels, size, size), torch.eye(3)[[0, 2, 1]]
    options = {"channels": 3, "channels_times_size": 64}
    generator = StyleGAN2Generator(5, shape, 3, (-1, 1), style_dim=7, output_activation="tanh", **options)
    discriminator = StyleGAN2Discriminator(shape, 3, 2, blocks=blocks, **options)
    samples = generator(torch.randn(3, 5), y)
    assert samples.shape == (3, *shape) and samples.abs().max() <= 1
    assert discriminator(samples, y).shape == (3, 2)


def test_other_sizes_are_refused():
    for size in (4, 31, 34, 2048):
        with refused("network", "data"):
            StyleGAN2Generator(5, (3, size, size), channels=2)
        with refused("network", "data"):
            StyleGAN2Discriminator((3, size, size), channels=2)


def test_a_modulated_convolution_is_one_with_a_kernel_for_each_sample():
    x, w = torch.randn(3, 4, 6, 6, dtype=torch.double), torch.randn(3, 5, dtype=torch.double)
    for demodulate in (False, True):
        conv = ModulatedConv(4, 7, 5, demodulate=demodulate).double()
        style = F.linear(w, conv.style.weight / math.sqrt(5), conv.style.bias)
        for sample in range(3):
            kernel = conv.weight * style[sample, :, None, None]
            if demodulate:
                kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
            else:
                kernel = kernel / math.sqrt(4 * 9)
            expected = F.conv2d(x[sample : sample + 1], kernel, padding=1)[0]
            torch.testing.assert_close(conv(x, w)[sample], expected)


def test_where_it_doubles_the_size_zeros_stand_between_the_pixels_and_the_filter_follows():
    conv = ModulatedConv(2, 3, 5, up=True, demodulate=False).double()
    x, w = torch.randn(2, 2, 4, 4, dtype=torch.double), torch.randn(2, 5, dtype=torch.double)
    wide = torch.zeros(2, 2, 11, 11, dtype=torch.double)
    style = conv.style(w)[..., None, None] / math.sqrt(2 * 9)
    wide[:, :, 2:10:2, 2:10:2] = x * style
    maps = F.conv2d(wide, conv.weight.flip(2, 3))
    torch.testing.assert_close(conv(x, w), Filter(padding=1, gain=4.0)(maps))
    assert conv(x, w).shape == (2, 3, 8, 8)


def test_filters_by_hand():
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    x = torch.randn(1, 1, 6, 6)
    line = [sum(taps[k] * F.pad(x, (1, 1))[..., i + k] for k in range(4)) for i in range(0, 5, 2)]
    rows = torch.stack(line, 3)
    both = torch.stack([sum(taps[k] * F.pad(rows, (0, 0, 1, 1))[:, :, i + k] for k in range(4)) for i in range(0, 5, 2)], 2)
    torch.testing.assert_close(Downsample()(x), both)
    flat = Upsample()(torch.ones(2, 3, 6, 6))
    assert flat.shape == (2, 3, 12, 12)
    torch.testing.assert_close(flat[:, :, 1:-1, 1:-1], torch.ones(2, 3, 10, 10))
    y = torch.randn(1, 1, 12, 12)
    torch.testing.assert_close((Upsample()(x) * y).sum() / 4, (x * Downsample()(y)).sum())  # adjoint of each other


def test_the_learning_rate_is_equalised():
    linear, conv = EqualLinear(400, 300, bias=1.0, rate=0.01), EqualConv2d(20, 30, 3)
    assert linear.weight.std().item() == pytest.approx(100, rel=0.02)
    assert linear.bias.eq(100).all() and conv.bias.eq(0).all()
    assert conv.weight.std().item() == pytest.approx(1, rel=0.05)
    x, maps = torch.randn(50, 400), torch.randn(2, 20, 8, 8)
    torch.testing.assert_close(linear(x), x @ linear.weight.T * (0.01 / 20) + 1, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(conv(maps), F.conv2d(maps, conv.weight / math.sqrt(180), padding=1))
    assert linear(x).std().item() == pytest.approx(1, rel=0.05)


def test_a_style_is_made_from_what_is_normalised():
    z, y = 7 * torch.randn(4, 6), torch.eye(3)[[0, 1, 2, 0]]
    torch.testing.assert_close(normalise(z).square().mean(1), torch.ones(4))
    mapping = Mapping(6, 3, 8, 2)
    torch.testing.assert_close(mapping(z, y), mapping(z / 7, y))
    assert [layer.in_features for layer in mapping.layers if isinstance(layer, nn.Linear)] == [14, 8]
    assert Mapping(0, 3, 8, 2)(None, y).shape == (4, 8)


def test_noise_is_everyones_own_in_training_and_always_the_same_in_evaluation():
    layer = StyledLayer(2, 3, 5, (8, 8))
    x, w = torch.randn(1, 2, 8, 8).expand(2, -1, -1, -1), torch.randn(1, 5).expand(2, -1)
    assert torch.equal(*layer(x, w)), "without strength at first"
    layer.strength.data.fill_(0.5)
    assert not torch.equal(*layer(x, w))
    assert torch.equal(*layer.eval()(x, w))
    difference = layer.conv(x, w) + 0.5 * layer.noise
    torch.testing.assert_close(layer(x, w), F.leaky_relu(difference, 0.2) * 2**0.5)


def test_images_of_all_sizes_are_added_up():
    generator = StyleGAN2Generator(5, (3, 16, 16), channels=4, style_dim=6).eval()
    seen = []
    for part in generator.images:
        assert isinstance(part, ToImage)
        part.register_forward_hook(lambda _, args, result: seen.append(result))
    image = generator(torch.randn(2, 5))
    up = Upsample()
    torch.testing.assert_close(image, up(up(seen[0]) + seen[1]) + seen[2])


@pytest.mark.parametrize(("samples", "group"), [(6, 3), (7, 3), (4, 8), (5, 1)])
def test_the_deviation_of_a_group_by_hand(samples, group):
    x = torch.randn(samples, 3, 2, 2)
    result = GroupDeviation(group)(x)
    assert torch.equal(result[:, :3], x)
    groups = math.ceil(samples / group)
    for sample in range(samples):
        mine = x[sample % groups :: groups]
        assert len(mine) <= group
        expected = (mine.var(0, correction=0) + 1e-8).sqrt().mean()
        torch.testing.assert_close(result[sample, 3], expected.expand(2, 2))


def test_labels_select_a_direction():
    discriminator = StyleGAN2Discriminator((1, 8, 8), 3, channels=4, group_samples=1)
    x, y = torch.randn(2, 1, 8, 8), torch.eye(3)[[2, 0]]
    features = discriminator.last(discriminator.blocks(x))
    torch.testing.assert_close(discriminator(x, y)[:, 0], (features * discriminator.mapping(None, y)).sum(1) / 2)


def test_styles_are_mixed_in_training_only_with_latents_of_their_own():
    mapping = Mapping(6, 2, 8, 1, copies=6, mixing=0.5)
    z, y = torch.randn(400, 6), torch.eye(2).repeat(200, 1)
    own = mapping.eval()(z, y)[:, 0]
    assert torch.equal(mapping(z, y), own[:, None].expand(-1, 6, -1))
    state = torch.get_rng_state()
    styles = mapping.train()(z, y)
    torch.set_rng_state(state)
    torch.randint(1, 6, (400, 1)), torch.rand(400, 1)
    other = mapping.eval()(torch.randn(400, 6), y)[:, 0]
    mine = torch.isclose(styles, own[:, None]).all(2)
    assert torch.isclose(styles, other[:, None]).all(2).logical_or(mine).all(), "one of the two, with the sample's own label"
    kept = mine.sum(1)
    assert set(kept.tolist()) == {1, 2, 3, 4, 5, 6} and bool(mine[:, 0].all())
    assert abs((kept < 6).float().mean() - 0.5) < 0.1
    assert torch.equal(mine, torch.arange(6) < kept[:, None]), "from a random layer on"


def test_every_layer_draws_with_its_own_style():
    generator = StyleGAN2Generator(5, (1, 16, 16), channels=4, style_dim=6)
    seen = {}
    for name, part in generator.named_modules():
        if isinstance(part, StyledLayer | ToImage):
            part.register_forward_hook(lambda _, args, result, name=name: seen.__setitem__(name, args[1]))
    styles = torch.randn(2, 6, 6)
    generator.draw(styles)
    order = ["first", "ups.0", "layers.0", "ups.1", "layers.1", "images.2"]
    assert all(torch.equal(seen[name], styles[:, i]) for i, name in enumerate(order))
    shared = {"images.0": "ups.0", "images.1": "ups.1"}
    assert all(torch.equal(seen[image], seen[layer]) for image, layer in shared.items())
