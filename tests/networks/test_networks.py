"""The contract of ganexp.networks, for every network that is configured."""

import copy
import pickle
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import nn

from ganexp.networks import ByShape, Networks, Players
from ganexp.networks.convolutions import ToMap
from ganexp.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganexp.networks.mlp import MLPDiscriminator, MLPGenerator

CONF = Path(__file__).parents[2] / "conf"
NAMES = sorted(path.stem for path in (CONF / "network").glob("*.yaml"))
IMAGE, POINT = (3, 16, 16), (2,)
PAIRS = [name for name in NAMES if name != "auto"]  # those with two players of their own
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


def load(name: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(f"network/{name}", overrides=list(overrides)).network


@pytest.fixture(params=NAMES)
def networks(request: pytest.FixtureRequest) -> Networks:
    return instantiate(load(request.param))


@pytest.fixture(autouse=True)
def _own_random_numbers() -> object:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("num_classes", [0, 4])
@pytest.mark.parametrize("value_range", [(-1, 1), (0, 1), None])
def test_a_generator_maps_latents_and_labels_into_the_value_range(
    networks: Networks, num_classes: int, value_range: tuple[float, float] | None
) -> None:
    generator = networks.generator(5, IMAGE, num_classes, value_range)
    z = 100 * torch.randn(8, 5)
    y = torch.eye(4)[torch.arange(8) % 4] if num_classes else None
    samples = generator(z, y)
    assert samples.shape == (8, *IMAGE)
    assert samples.dtype == torch.float32
    if value_range is not None:
        assert value_range[0] <= samples.min()
        assert samples.max() <= value_range[1]
    if y is not None:
        assert not torch.equal(samples, generator(z, y.flip(1)))


@pytest.mark.parametrize("num_classes", [0, 4])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_discriminator_maps_samples_and_labels_to_logits(networks: Networks, num_classes: int, outputs: int) -> None:
    discriminator = networks.discriminator(IMAGE, num_classes, outputs)
    x = torch.rand(8, *IMAGE)
    y = torch.eye(4)[torch.arange(8) % 4] if num_classes else None
    logits = discriminator(x, y)
    assert logits.shape == (8, outputs)
    if y is not None:
        assert not torch.equal(logits, discriminator(x, y.flip(1)))


def test_a_discriminator_judges_each_sample_by_itself(networks: Networks) -> None:
    discriminator = networks.discriminator(IMAGE)
    x = torch.rand(4, *IMAGE)
    torch.testing.assert_close(discriminator(x)[:2], discriminator(x[:2]))


def test_players_are_fresh_and_share_nothing(networks: Networks) -> None:
    modules = [networks.generator(5, IMAGE), networks.generator(5, IMAGE), networks.discriminator(IMAGE)]
    pointers = [parameter.data_ptr() for module in modules for parameter in module.parameters()]
    assert len(set(pointers)) == len(pointers)
    first, second = (next(module.parameters()) for module in modules[:2])
    assert not torch.equal(first, second)


def test_players_can_be_copied_and_pickled(networks: Networks) -> None:
    generator, discriminator = networks.generator(5, IMAGE).eval(), networks.discriminator(IMAGE).eval()
    z, x = torch.randn(2, 5), torch.rand(2, *IMAGE)
    for copied in (copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))):
        assert torch.equal(copied(generator)(z), generator(z))
        assert torch.equal(copied(discriminator)(x), discriminator(x))


def test_players_can_be_built_without_memory(networks: Networks) -> None:
    with torch.device("meta"):
        generator, discriminator = networks.generator(5, IMAGE), networks.discriminator(IMAGE)
    assert all(parameter.is_meta for module in (generator, discriminator) for parameter in module.parameters())
    generator.to_empty(device="cpu").load_state_dict(networks.generator(5, IMAGE).state_dict())
    assert generator(torch.randn(2, 5)).shape == (2, *IMAGE)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_a_player_is_in_its_config(name: str) -> None:
    config = load(name)
    pairs = [config.points, config.images] if "points" in config else [config]
    first = {"latent_dim", "shape", "num_classes", "value_range", "outputs"}
    for player in (player for pair in pairs for player in (pair.generator, pair.discriminator)):
        options = set(instantiate(player).func.__init__.__kwdefaults__)
        assert set(player) - {"_target_", "_partial_"} == options - first


def test_auto_takes_convolutions_for_images_and_layers_for_points() -> None:
    networks = instantiate(load("auto"))
    assert isinstance(networks, ByShape)
    assert isinstance(networks.generator(5, IMAGE), DCGANGenerator)
    assert isinstance(networks.discriminator(IMAGE), DCGANDiscriminator)
    assert isinstance(networks.generator(5, POINT), MLPGenerator)
    assert isinstance(networks.discriminator(POINT), MLPDiscriminator)


def test_each_player_is_set_from_the_command_line_by_itself() -> None:
    networks = instantiate(load("mlp", "network.generator.widths=[7]", "network.discriminator.norm=layer"))
    assert isinstance(networks, Players)
    generator, discriminator = networks.generator(5, POINT), networks.discriminator(POINT)
    assert [layer.out_features for layer in generator.modules() if isinstance(layer, nn.Linear)] == [7, 2]
    assert [layer.out_features for layer in discriminator.modules() if isinstance(layer, nn.Linear)] == [128] * 3 + [1]
    assert not any(isinstance(layer, nn.LayerNorm) for layer in generator.modules())
    assert sum(isinstance(layer, nn.LayerNorm) for layer in discriminator.modules()) == 3


def players(name: str, *options: str) -> list[nn.Module]:
    """Build both players with the same options."""
    sides = ("generator", "discriminator")
    networks = instantiate(load(name, *(f"network.{player}.{option}" for player in sides for option in options)))
    return [networks.generator(5, IMAGE), networks.discriminator(IMAGE)]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_norms_have_their_momentum_and_eps(name: str, norm: str) -> None:
    for network in players(name, f"norm={norm}", "norm_momentum=0.01", "norm_eps=0.001"):
        norms = [module for module in network.modules() if isinstance(module, NORMS)]
        assert norms
        assert all(module.eps == 0.001 for module in norms)
        assert norm == "layer" or all(module.momentum == 0.01 for module in norms)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_biases_are_left_out_before_norms_or_everywhere_or_nowhere(name: str, position: str, norm: str) -> None:
    for bias in ("auto", "all", "none"):
        for network in players(name, f"norm={norm}", f"norm_position={position}", f"bias={bias}"):
            layers = [layer for layer in network.layers if not isinstance(layer, ToMap)]
            for layer, following in pairwise([*layers, None]):
                if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                    expected = not isinstance(following, NORMS) if bias == "auto" else bias == "all"
                    assert (layer.bias is not None) == expected


@pytest.mark.parametrize("name", PAIRS)
def test_spectral_norm_makes_the_largest_singular_value_one(name: str) -> None:
    networks = instantiate(load(name, "network.discriminator.spectral_norm=true", "network.generator.spectral_norm=true"))
    generator, discriminator = networks.generator(5, IMAGE), networks.discriminator(IMAGE)
    for _ in range(30):
        discriminator(generator(torch.randn(4, 5)))
    layers = [
        layer
        for network in (generator, discriminator)
        for layer in network.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert len(layers) >= 6
    for layer in layers:
        weight = layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)
    twin = copy.deepcopy(discriminator).eval()
    x = torch.rand(4, *IMAGE)
    assert torch.equal(twin(x), discriminator.eval()(x))


def test_spectral_norm_can_be_built_without_memory() -> None:
    with torch.device("meta"):
        DCGANDiscriminator(IMAGE, spectral_norm=True)
        MLPGenerator(5, IMAGE, spectral_norm=True)
