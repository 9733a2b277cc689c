"""Fully connected players."""

import math

import pytest
import torch
from torch import nn

from ganexp.networks.initialisation import Initialisation
from ganexp.networks.mlp import Fourier, MLPDiscriminator, MLPGenerator
from support.refused import refused


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def kinds(module: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in module.layers]


def test_the_default_has_three_layers_of_128() -> None:
    assert count(MLPGenerator(2, (2,))) == (2 + 1) * 128 + 2 * (128 + 1) * 128 + (128 + 1) * 2
    assert count(MLPDiscriminator((2,))) == (2 + 1) * 128 + 2 * (128 + 1) * 128 + (128 + 1)


def test_labels_and_images_add_inputs_and_outputs() -> None:
    assert count(MLPGenerator(4, (1, 3, 5), num_classes=3, widths=[6])) == (7 + 1) * 6 + (6 + 1) * 15
    assert count(MLPDiscriminator((1, 3, 5), num_classes=3, outputs=2, widths=[6])) == (18 + 1) * 6 + (6 + 1) * 2


def test_waves_of_each_coordinate_are_inputs_of_the_discriminator() -> None:
    x = torch.tensor([[0.5, -1.0], [1.0, 3.0]])
    features = Fourier(octaves=3, period=4.0)(x)
    turns = torch.stack([x * math.tau / 4, x * math.tau / 2, x * math.tau], dim=2).flatten(1)
    torch.testing.assert_close(features, torch.cat([x, turns.sin(), turns.cos()], dim=1))
    discriminator = MLPDiscriminator((2,), num_classes=3, widths=[5], octaves=3)
    assert count(discriminator) == (2 * 7 + 3 + 1) * 5 + (5 + 1)
    assert discriminator(x, torch.eye(3)[:2]).shape == (2, 1)
    assert count(MLPGenerator(2, (3,), num_classes=1, widths=[5], octaves=2)) == (2 * 5 + 1 + 1) * 5 + (5 + 1) * 3
    assert not discriminator.features.state_dict(), "they are constants"


def test_without_hidden_layers_the_players_are_affine() -> None:
    discriminator = MLPDiscriminator((2,), widths=[])
    assert kinds(discriminator) == ["Linear"]
    assert kinds(MLPGenerator(3, (2,), widths=[])) == ["Linear", "Identity"]


def test_the_order_within_a_layer() -> None:
    discriminator = MLPDiscriminator((2,), widths=[8], activation="leaky_relu", norm="batch", dropout=0.3)
    assert kinds(discriminator) == ["Linear", "BatchNorm1d", "LeakyReLU", "Dropout", "Linear"]
    assert discriminator.layers[0].bias is None, "the norm has the bias"
    assert discriminator.layers[-1].bias is not None
    assert kinds(MLPGenerator(2, (2,), widths=[8], activation="silu", value_range=(0, 1))) == [
        "Linear", "SiLU", "Linear", "Sigmoid",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("output", "value_range", "fits"),
    [
        ("identity", None, True),
        ("identity", (-1, 1), True),
        ("identity", (0, 255), True),
        ("tanh", (-1, 1), True),
        ("tanh", (0, 1), False),
        ("tanh", None, False),
        ("sigmoid", (0.0, 1.0), True),
        ("sigmoid", (-1.0, 1.0), False),
        ("sigmoid", None, False),
        ("auto", (-1, 1), True),
        ("auto", (0, 1), True),
        ("auto", None, True),
        ("auto", (0, 255), False),
    ],
)
def test_the_output_activation_must_fit_the_data(output: str, value_range: tuple[float, float] | None, fits: bool) -> None:
    if fits:
        MLPGenerator(2, (2,), value_range=value_range, widths=[4], output_activation=output)
        return
    with refused("network", "data"):
        MLPGenerator(2, (2,), value_range=value_range, widths=[4], output_activation=output)


def test_labels_are_part_of_the_linear_map() -> None:
    generator = MLPGenerator(2, (3,), num_classes=4, widths=[])
    weight, bias = generator.layers[0].weight, generator.layers[0].bias
    z, y = torch.tensor([[0.5, -1.0]]), torch.eye(4)[[2]]
    torch.testing.assert_close(generator(z, y), z @ weight[:, :2].T + weight[:, 4] + bias)


def test_a_tutorial_with_norms_after_activations_and_one_dropout() -> None:
    generator = MLPGenerator(
        100, (1, 28, 28), value_range=(0, 1), widths=[256, 512, 1024], activation="leaky_relu", norm="batch",
        norm_position="after", dropout=[0, 0, 0.5], init=Initialisation("truncated_normal", bias="same"),
    )  # fmt: skip
    discriminator = MLPDiscriminator((1, 28, 28), widths=[1024, 512, 256], activation="leaky_relu")
    assert kinds(generator) == ["Linear", "LeakyReLU", "BatchNorm1d"] * 3 + ["Dropout", "Linear", "Sigmoid"]
    assert kinds(discriminator) == ["Linear", "LeakyReLU"] * 3 + ["Linear"]
    inner = 256 * 512 + 512 * 1024
    assert count(generator) == 100 * 256 + inner + 1024 * 784 + 3 * (256 + 512 + 1024) + 784
    assert count(discriminator) == 784 * 1024 + inner + 256 + (1024 + 512 + 256) + 1
    for layer in generator.layers:
        if isinstance(layer, nn.Linear):
            assert layer.bias.any()
            assert max(layer.weight.abs().max(), layer.bias.abs().max()) <= 0.04
