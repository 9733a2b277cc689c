"""The contract of ganexp.networks, for every network that is configured."""

import copy
import pickle
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import get_class, instantiate
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrize

from ganexp.networks import ByShape, Networks, Players
from ganexp.networks.convolutions import ToMap
from ganexp.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganexp.networks.mlp import MLPDiscriminator, MLPGenerator
from support.cover import pairs

CONF = Path(__file__).parents[2] / "conf"
NAMES = sorted(path.stem for path in (CONF / "network").glob("*.yaml"))
PAIRS = [name for name in NAMES if name != "auto"]  # those with two players of their own
PLAYERS = ("generator", "discriminator")
IMAGE, POINT = (3, 32, 32), (2,)
# Whose layers have the options of layer/default.yaml; the others are published with layers of their own.
OWN = ["r3gan", "stylegan2"]
LAYERED = sorted(set(PAIRS) - set(OWN))
# The others choose other values for the players of resnet.
DEFAULTS = [
    (name, player) for name in PAIRS for player in PLAYERS if name != "sagan" and (name, player) != ("biggan", "discriminator")
]
LABELS = torch.eye(4)[[0, 1, 2, 3, 3, 2]]
# As small as the networks get; widths count where they are given.
TINY = {"channels": 4, "widths": [6, 4]}


def made_tiny(player, option):
    return option in player and not (option == "widths" and player.widths is None)


def configured(name, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen = [f"network={name}", "recipe=none", "data=digits", *(f"network.{override}" for override in overrides)]
        config = compose("config", overrides=chosen).network
    for pair in (config.points, config.images) if "points" in config else (config,):
        for player in PLAYERS:
            pair[player].update({option: value for option, value in TINY.items() if made_tiny(pair[player], option)})
    return config


def load(name, *overrides) -> Networks:
    return instantiate(configured(name, *overrides))


def players(name, *options, classes=0, outputs=1):
    """Build both players with the same options."""
    networks = load(name, *(f"{player}.{option}" for player in PLAYERS for option in options))
    return networks.generator(5, IMAGE, classes, (-1, 1)), networks.discriminator(IMAGE, classes, outputs)


def matrices(network):
    """Return the modules with a weight matrix, told by its dimensions."""
    return [m for m in network.modules() if isinstance(weight := getattr(m, "weight", None), torch.Tensor) and weight.dim() > 1]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("name", "norm", "position", "bias", "dropout", "spectral", "classes", "outputs"),
    pairs(
        LAYERED,
        ("none", "batch", "layer"),
        ("before", "after"),
        ("auto", "all", "none"),
        (0, 0.3),
        (False, True),
        (0, 4),
        (1, 3),
    ),
)
def test_both_players_keep_the_contract(name, norm, position, bias, dropout, spectral, classes, outputs):
    options = (f"norm={norm}", f"norm_position={position}", f"bias={bias}", f"dropout={dropout}", f"spectral_norm={spectral}")
    both = players(name, *options, "norm_momentum=0.01", "norm_eps=0.001", classes=classes, outputs=outputs)
    generator, discriminator = both
    z, y = 3 * torch.randn(6, 5), LABELS if classes else None
    samples = generator(z, y)
    assert samples.shape == (6, *IMAGE) and samples.dtype == torch.float32
    assert samples.min() >= -1 and samples.max() <= 1
    logits = discriminator(samples, y)
    assert logits.shape == (6, outputs)
    logits.square().sum().backward()
    for network in both:
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        norms = [m for m in network.modules() if isinstance(m, _BatchNorm | nn.LayerNorm | nn.GroupNorm)]
        assert bool(norms) == (norm != "none")
        assert all(m.eps == 0.001 for m in norms) and all(m.momentum == 0.01 for m in norms if isinstance(m, _BatchNorm))
        assert {m.p for m in network.modules() if isinstance(m, nn.Dropout)} == ({dropout} if dropout else set())
        assert {parametrize.is_parametrized(m, "weight") for m in matrices(network)} == {spectral}
        network.eval()
    if classes:
        assert not torch.equal(generator(z, y), generator(z, y.flip(1)))
        assert not torch.equal(discriminator(samples, y), discriminator(samples, y.flip(1)))


@pytest.mark.parametrize(("name", "classes", "outputs"), pairs(OWN, (0, 4), (1, 3)))
def test_players_with_layers_of_their_own_keep_the_contract(name, classes, outputs):
    both = generator, discriminator = players(name, classes=classes, outputs=outputs)
    z, y = torch.randn(6, 5), LABELS if classes else None
    samples = generator(z, y)
    logits = discriminator(samples, y)
    assert samples.shape == (6, *IMAGE) and logits.shape == (6, outputs)
    assert samples.dtype == logits.dtype == torch.float32
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for network in both for p in network.parameters())
    if classes:
        assert not torch.equal(generator.eval()(z, y), generator(z, y.flip(1)))
        assert not torch.equal(discriminator(samples, y), discriminator(samples, y.flip(1)))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("shape", [(1, 48, 64), (4, 96, 48), (7, 28, 56)])
def test_images_have_any_aspect_and_channels(name, shape):
    attending = name in ("sagan", "biggan")  # to maps of 16 pixels, which not all of these have
    networks = load(name, *(f"{player}.attention={min(shape[1:]) // 2}" for player in PLAYERS if attending))
    generator, discriminator = networks.generator(5, shape, 4, (-1, 1)), networks.discriminator(shape, 4)
    samples = generator(torch.randn(6, 5), LABELS)
    assert samples.shape == (6, *shape)
    discriminator(samples, LABELS).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("form", ["autocast", "true"])
def test_what_needs_float32_has_it_in_half_precision(name, form):
    generator, discriminator = players(name, classes=4)
    kind = torch.bfloat16 if form == "true" else torch.float32
    z, y = torch.randn(6, 5, dtype=kind), LABELS.to(kind)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=form == "autocast"):
        samples = generator.to(kind)(z, y)
        logits = discriminator.to(kind)(samples.to(kind), y)
    assert samples.dtype == logits.dtype == torch.float32
    logits.sum().backward()
    assert all(p.grad.isfinite().all() for network in (generator, discriminator) for p in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_a_discriminator_judges_each_sample_by_itself_and_can_be_differentiated_twice(name):
    alone = ["discriminator.group_samples=1"] if name == "stylegan2" else []
    discriminator = load(name, *alone).discriminator(IMAGE).eval()  # spectral norm moves on in training
    x = torch.rand(4, *IMAGE, requires_grad=True)
    logits = discriminator(x)
    torch.testing.assert_close(discriminator(x[:2]), logits[:2])
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    gradient.square().sum().backward()
    found = [p.grad for p in discriminator.parameters() if p.grad is not None]
    assert any(grad.any() for grad in found) and all(grad.isfinite().all() for grad in found)


@pytest.mark.parametrize("name", NAMES)
def test_players_are_fresh_and_share_nothing_and_can_be_copied(name):
    networks = load(name)
    modules = [networks.generator(5, IMAGE), networks.generator(5, IMAGE), networks.discriminator(IMAGE)]
    pointers = [parameter.data_ptr() for module in modules for parameter in module.parameters()]
    assert len(set(pointers)) == len(pointers)
    first, second = (module.parameters() for module in modules[:2])
    assert not all(map(torch.equal, first, second))
    for network, given in ((modules[0], torch.randn(2, 5)), (modules[2], torch.rand(2, *IMAGE))):
        network.train()(given)  # a step of spectral norm's power iteration
        network.eval()
        twin = copy.deepcopy(network)
        assert torch.equal(twin(given), network(given))
        if not any(parametrize.is_parametrized(m) for m in network.modules()):
            assert torch.equal(pickle.loads(pickle.dumps(network))(given), network(given))


@pytest.mark.parametrize("name", NAMES)
def test_players_can_be_built_without_memory(name):
    networks = load(name)
    with torch.device("meta"):
        generator, discriminator = networks.generator(5, IMAGE), networks.discriminator(IMAGE)
    assert all(parameter.is_meta for module in (generator, discriminator) for parameter in module.parameters())
    generator.to_empty(device="cpu").load_state_dict(networks.generator(5, IMAGE).state_dict())
    assert generator(torch.randn(2, 5)).shape == (2, *IMAGE)


@pytest.mark.parametrize(("name", "player"), DEFAULTS)
def test_a_config_holds_every_option_with_the_default_of_the_constructor(name, player):
    node = configured(name)[player]
    target, arguments = get_class(node["_target_"]), {"generator": (5, IMAGE), "discriminator": (IMAGE,)}[player]
    made = []
    for options in ({option: node[option] for option in TINY if made_tiny(node, option)}, None):
        torch.manual_seed(0)
        made.append(instantiate(node)(*arguments) if options is None else target(*arguments, **options))
    assert str(made[0]) == str(made[1])
    assert all(map(torch.equal, *(network.state_dict().values() for network in made)))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        shared = compose("network/layer/default").network.layer
    own = {option for option in target.__init__.__kwdefaults__ or {} if option not in ("num_classes", "value_range", "outputs")}
    assert set(node) - {"_target_", "_partial_"} == own | (set(shared) if name in LAYERED else set())


@pytest.mark.parametrize(
    ("name", "position", "norm", "bias"),
    pairs(("mlp", "dcgan", "dcgan_upsample"), ("before", "after"), ("none", "batch"), ("auto", "all", "none")),
)
def test_biases_are_left_out_before_norms_or_everywhere_or_nowhere(name, position, norm, bias):
    for network in players(name, f"norm={norm}", f"norm_position={position}", f"bias={bias}"):
        layers = [layer for layer in network.layers if not isinstance(layer, ToMap)]
        for layer, following in pairwise([*layers, None]):
            if layer in matrices(network):
                expected = not isinstance(following, _BatchNorm) if bias == "auto" else bias == "all"
                assert (layer.bias is not None) == expected


@pytest.mark.parametrize("name", LAYERED)
def test_spectral_norm_makes_the_largest_singular_value_one(name):
    both = players(name, "spectral_norm=true", "norm=none")
    for _ in range(40):
        both[1](both[0](torch.randn(4, 5)))
    for module in (module for network in both for module in matrices(network)):
        weight = module.weight.transpose(0, 1) if isinstance(module, nn.ConvTranspose2d) else module.weight
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


def test_auto_takes_convolutions_for_images_and_layers_for_points():
    networks = load("auto")
    assert isinstance(networks, ByShape)
    assert isinstance(networks.generator(5, IMAGE), DCGANGenerator)
    assert isinstance(networks.discriminator(IMAGE), DCGANDiscriminator)
    assert isinstance(networks.generator(5, POINT), MLPGenerator)
    assert isinstance(networks.discriminator(POINT), MLPDiscriminator)


def test_each_player_is_set_by_itself():
    networks = load("mlp", "generator.activation=tanh", "discriminator.norm=layer")
    assert isinstance(networks, Players)
    generator, discriminator = networks.generator(5, POINT), networks.discriminator(POINT)
    assert [type(layer).__name__ for layer in generator.layers] == ["Linear", "Tanh"] * 2 + ["Linear", "Identity"]
    assert [type(layer).__name__ for layer in discriminator.layers] == ["Linear", "LayerNorm", "ReLU"] * 2 + ["Linear"]
