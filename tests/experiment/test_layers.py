"""The networks of the named experiments: every layer in order, the number of weights, and how these are drawn."""

import math

import pytest
from torch import nn

from support.one_update import whole

# Rearrangements without weights, whose effect the updates are compared for.
SILENT = {"ToMap", "FromMap", "Crop", "ZeroPad2d", "Flatten", "Unflatten"}


def describe(layer):
    """Put what matters of a layer into words."""
    kind = type(layer).__name__
    if isinstance(layer, nn.Linear):
        outputs, inputs = layer.weight.shape
        return f"{kind} {inputs} -> {outputs}{'' if layer.bias is None else ' + bias'}"
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        assert layer.groups == 1 and layer.dilation == (1, 1) and len({*layer.kernel_size}) == len({*layer.stride}) == 1
        first, second = layer.weight.shape[:2]
        channels = f"{first} -> {second}" if isinstance(layer, nn.ConvTranspose2d) else f"{second} -> {first}"
        bias = "" if layer.bias is None else " + bias"
        return f"{kind} {layer.kernel_size[0]}x{layer.kernel_size[1]}/{layer.stride[0]} {channels}{bias}"
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        assert layer.affine and layer.track_running_stats
        return f"{kind} {layer.num_features} eps {layer.eps:g} momentum {layer.momentum:g}"
    if isinstance(layer, nn.LeakyReLU):
        return f"{kind} {layer.negative_slope:g}"
    if isinstance(layer, nn.Dropout):
        return f"{kind} {layer.p:g}"
    if isinstance(layer, nn.MaxPool2d):
        return f"{kind} {layer.kernel_size}/{layer.stride}"
    if isinstance(layer, nn.Upsample):
        return f"{kind} {layer.scale_factor:g} {layer.mode}"
    return kind


def leaves(network):
    return [module for module in network.modules() if not list(module.children()) and type(module).__name__ not in SILENT]


def conv(name, inputs, outputs, rest, norm="eps 1e-05 momentum 0.1", activation="ReLU"):
    return [f"{name} {rest.format(f'{inputs} -> {outputs}')}", f"BatchNorm2d {outputs} {norm}", activation]


def up(inputs, outputs, stride=2):
    return conv("ConvTranspose2d", inputs, outputs, f"4x4/{stride} {{}}")


def down(inputs, outputs):
    return conv("Conv2d", inputs, outputs, "4x4/2 {}", activation="LeakyReLU 0.2")


def resampled(inputs, outputs):
    """Return the players of three systems, which differ in the labels that they take and the logits that they give."""
    norm, slope = "eps 0.001 momentum 0.01", "LeakyReLU 0.3"
    generator = [
        f"Linear {inputs} -> 3136 + bias", f"BatchNorm1d 3136 {norm}", slope,
        "Upsample 2 nearest", "ConvTranspose2d 3x3/1 64 -> 64 + bias", f"BatchNorm2d 64 {norm}", slope,
        "Upsample 2 nearest", "ConvTranspose2d 3x3/1 64 -> 1 + bias", "Sigmoid",
    ]  # fmt: skip
    discriminator = [
        "Conv2d 3x3/1 1 -> 64 + bias", f"BatchNorm2d 64 {norm}", slope, "MaxPool2d 2/2",
        "Conv2d 3x3/1 64 -> 64 + bias", f"BatchNorm2d 64 {norm}", slope, "MaxPool2d 2/2",
        "Linear 3136 -> 128 + bias", f"BatchNorm1d 128 {norm}", slope, f"Linear 128 -> {outputs} + bias",
    ]  # fmt: skip
    return generator, discriminator


def points(classes):
    return (
        [f"Linear {2 + classes} -> 50 + bias", "LeakyReLU 0.1", "Linear 50 -> 2 + bias", "Sigmoid"],
        [f"Linear {2 + classes} -> 100 + bias", "LeakyReLU 0.1", "Linear 100 -> 1 + bias"],
    )


LAYERS = {
    "mnist_dcgan_5x5": (
        [
            "Linear 100 -> 6272", "LeakyReLU 0.3", "ConvTranspose2d 5x5/2 128 -> 64 + bias", "LeakyReLU 0.3",
            "ConvTranspose2d 5x5/2 64 -> 1 + bias", "Tanh",
        ],
        [
            "Conv2d 5x5/2 1 -> 64 + bias", "LeakyReLU 0.3", "Conv2d 5x5/2 64 -> 128 + bias", "LeakyReLU 0.3",
            "Conv2d 5x5/2 128 -> 256 + bias", "LeakyReLU 0.3", "Linear 4096 -> 1 + bias",
        ],
    ),
    "mnist_gan_mlp": (
        ["Linear 100 -> 128 + bias", "ReLU", "Linear 128 -> 784 + bias", "Sigmoid"],
        ["Linear 784 -> 128 + bias", "ReLU", "Linear 128 -> 1 + bias"],
    ),
    "mnist_dcgan_upsample": resampled(100, 1),
    "mnist_ssgan": resampled(100, 11),
    "mnist_cgan_class": resampled(100 + 10, 11),
    "cifar10_dcgan": (
        [*up(100, 256, stride=1), *up(256, 128), *up(128, 64), "ConvTranspose2d 4x4/2 64 -> 3", "Tanh"],
        [*down(3, 64), *down(64, 128), *down(128, 256), "Conv2d 4x4/1 256 -> 1"],
    ),
    "dcgan_64": (
        [
            "Linear 100 -> 16384", "BatchNorm2d 1024 eps 1e-05 momentum 0.1", "ReLU",
            *up(1024, 512), *up(512, 256), *up(256, 128), "ConvTranspose2d 4x4/2 128 -> 3 + bias", "Tanh",
        ],
        [
            "Conv2d 4x4/2 3 -> 128 + bias", "LeakyReLU 0.2", *down(128, 256), *down(256, 512), *down(512, 1024),
            "Linear 16384 -> 1 + bias",
        ],
    ),
    "mnist_gan_deep_mlp": (
        [
            "Linear 100 -> 256 + bias", "LeakyReLU 0.2", "BatchNorm1d 256 eps 0.001 momentum 0.01",
            "Linear 256 -> 512 + bias", "LeakyReLU 0.2", "BatchNorm1d 512 eps 0.001 momentum 0.01",
            "Linear 512 -> 1024 + bias", "LeakyReLU 0.2", "BatchNorm1d 1024 eps 0.001 momentum 0.01",
            "Dropout 0.5", "Linear 1024 -> 784 + bias", "Sigmoid",
        ],
        [
            "Linear 784 -> 1024 + bias", "LeakyReLU 0.2", "Linear 1024 -> 512 + bias", "LeakyReLU 0.2",
            "Linear 512 -> 256 + bias", "LeakyReLU 0.2", "Linear 256 -> 1 + bias",
        ],
    ),
    "density_gan": points(0),
    "density_cgan": points(2),
}  # fmt: skip

# Weights and biases layer by layer; a batch norm has two for each of its channels.
NUMBERS = {
    "mnist_dcgan_5x5": (
        100 * 6272 + (128 * 64 * 25 + 64) + (64 * 1 * 25 + 1),  # 833,665
        (25 * 64 + 64) + (64 * 128 * 25 + 128) + (128 * 256 * 25 + 256) + (4096 + 1),  # 1,030,145
    ),
    "mnist_gan_mlp": ((100 * 128 + 128) + (128 * 784 + 784), (784 * 128 + 128) + (128 + 1)),  # 114,064 and 100,609
    "mnist_dcgan_upsample": (
        (100 * 3136 + 3136) + 2 * 3136 + (64 * 64 * 9 + 64) + 2 * 64 + (64 * 9 + 1),  # 360,641
        (9 * 64 + 64) + 2 * 64 + (64 * 64 * 9 + 64) + 2 * 64 + (3136 * 128 + 128) + 2 * 128 + (128 + 1),  # 439,745
    ),
    "mnist_ssgan": (360_641, 439_745 + 10 * (128 + 1)),  # ten logits more
    "mnist_cgan_class": (360_641 + 10 * 3136, 439_745 + 10 * (128 + 1)),  # ten inputs and ten logits more
    "cifar10_dcgan": (
        16 * (100 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (256 + 128 + 64),  # 1,068,928
        16 * (3 * 64 + 64 * 128 + 128 * 256 + 256) + 2 * (64 + 128 + 256),  # 663,424
    ),
    "dcgan_64": (
        16 * (100 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3) + 2 * (1024 + 512 + 256 + 128) + 3,  # 12,658,435
        16 * (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024 + 1024) + 2 * (256 + 512 + 1024) + 128 + 1,  # 11,036,289
    ),
    "mnist_gan_deep_mlp": (
        101 * 256 + 257 * 512 + 513 * 1024 + 1025 * 784 + 2 * (256 + 512 + 1024),  # 1,489,936
        785 * 1024 + 1025 * 512 + 513 * 256 + 257,  # 1,460,225
    ),
    "density_gan": (3 * 50 + 51 * 2, 3 * 100 + 101),  # 252 and 401
    "density_cgan": (5 * 50 + 51 * 2, 5 * 100 + 101),  # 352 and 601
}

GLOROT = ("mnist_dcgan_5x5", "mnist_gan_mlp", "mnist_dcgan_upsample", "mnist_ssgan", "mnist_cgan_class")
TORCH = ("cifar10_dcgan", "density_gan", "density_cgan")


def players(name):
    model = whole(name).model
    return model.generator, model.discriminator


def weighted(name):
    """Return the weight and the bias of every layer that has them, of both players."""
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    layers = [layer for player in players(name) for layer in leaves(player) if isinstance(layer, kinds)]
    return [(layer.weight.detach(), None if layer.bias is None else layer.bias.detach()) for layer in layers]


def is_uniform(values, bound):
    """Check range, mean and standard deviation, to within five standard errors."""
    n, sd = values.numel(), bound / 3**0.5
    assert 0.9 * bound < values.abs().max() <= bound * (1 + 1e-6)
    assert abs(float(values.mean())) < 5 * sd / n**0.5
    assert float(values.std()) == pytest.approx(sd, rel=2.5 / n**0.5)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_there_in_order(name):
    assert tuple([describe(layer) for layer in leaves(player)] for player in players(name)) == LAYERS[name]


@pytest.mark.parametrize("name", NUMBERS)
def test_the_number_of_weights_is_that_of_the_description(name):
    assert tuple(sum(weight.numel() for weight in player.parameters()) for player in players(name)) == NUMBERS[name]


@pytest.mark.parametrize("name", GLOROT)
def test_weights_are_glorot_uniform_and_biases_zero(name):
    for weight, bias in weighted(name):
        first, second, *kernel = weight.shape
        is_uniform(weight, (6 / ((first + second) * math.prod(kernel))) ** 0.5)
        assert bias is None or not bias.any()


@pytest.mark.parametrize("name", TORCH)
def test_weights_are_those_that_torch_draws(name):
    for weight, bias in weighted(name):
        bound = weight[0].numel() ** -0.5  # the inputs of a unit; a transposed layer counts its outputs
        is_uniform(weight, bound)
        assert bias is None or 0 < bias.abs().max() <= bound


def test_the_64x64_networks_begin_normal():
    for weight, _ in weighted("dcgan_64"):
        n = weight.numel()
        assert abs(float(weight.mean())) < 5 * 0.02 / n**0.5
        assert float(weight.std()) == pytest.approx(0.02, rel=3.5 / n**0.5)
        assert weight.abs().max() > 2.5 * 0.02, "cut"


def test_the_deep_perceptrons_begin_truncated_normal_biases_too():
    # Cut at two standard deviations, a normal distribution keeps 0.8796 of its own.
    for values in (part for parts in weighted("mnist_gan_deep_mlp") for part in parts):
        n = values.numel()
        assert values.any() and values.abs().max() <= 0.04
        assert abs(float(values.mean())) < 5 * 0.02 / n**0.5
        assert n == 1 or float(values.std()) == pytest.approx(0.8796 * 0.02, rel=3.5 / n**0.5)


@pytest.mark.parametrize("name", LAYERS)
def test_batch_norm_begins_as_the_identity(name):
    norms = [
        layer for player in players(name) for layer in leaves(player) if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    assert len(norms) == sum(text.startswith("BatchNorm") for player in LAYERS[name] for text in player)
    for norm in norms:
        assert (norm.weight == 1).all() and (norm.running_var == 1).all()
        assert not norm.bias.any() and not norm.running_mean.any()
