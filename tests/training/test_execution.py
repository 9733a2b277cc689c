"""How the players compute is an option, and what they compute is not."""

from dataclasses import fields

import pytest
import torch

from ganexp.training.execution import Execution
from support.refused import refused
from support.tiny import CONVOLUTIONS, POINTS, TINY_IMAGES, TINY_RING

COLOURS = ("data=cifar10", "data._target_=support.one_update.RandomPhotographs", "data.batch_size=4", "metrics=none")
SMALL = (*COLOURS, *CONVOLUTIONS, "model=cgan", "trainer.max_iterations=3", "model.latent_dim=8")
BIGGAN = (*SMALL, "network=biggan", "loss=hinge", "network.generator.dropout=0.2", "schedule.ema_decay=0.9")
STYLEGAN2 = (
    *SMALL, "network=stylegan2", "penalty=r1", "penalty.every=2", "+penalty@regularizers.path=path_length",
    "network.generator.mixing=0.9",
)  # fmt: skip


def weights(training):
    return {name: value for name, value in training.model.state_dict().items() if isinstance(value, torch.Tensor)}


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.mark.parametrize(
    "overrides",
    [
        (*BIGGAN, "schedule.update=simultaneous", "schedule.reuse_fakes=true"),
        (*BIGGAN, "loss=wgan_gp", "schedule.d_steps=2"),
        (*STYLEGAN2, "schedule.lazy_terms=apart"),
        (*STYLEGAN2, "trainer.precision=bf16-mixed", "schedule.micro_batches=2"),
    ],
)
def test_a_run_that_computes_twice_has_the_same_weights(trained, overrides):
    kept = trained(*overrides, folder="kept")
    again = trained(*overrides, "trainer.recompute=true", folder="again")
    assert_same_bits(weights(kept), weights(again))


def layouts(training):
    """Return whether each weight and each result of a convolution is channels last, as far as these are different layouts."""
    found, players = [], (training.model.generator, training.model.discriminator)
    hooks = [
        module.register_forward_hook(lambda module, _, maps: found.extend([module.weight, maps]))
        for player in players
        for module in player.modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    x = players[0](torch.randn(4, 8), torch.eye(10)[:4])
    players[1](x, torch.eye(10)[:4])
    for hook in hooks:
        hook.remove()
    different = [one for one in found if one.shape[1] > 1 and one.shape[2] > 1]
    return {one.is_contiguous(memory_format=torch.channels_last) for one in different}


@pytest.mark.parametrize("network", ["biggan", "r3gan"])
def test_maps_have_the_layout_that_is_asked_for(ready, network):
    options = (*SMALL, f"network={network}", "network.discriminator.spectral_norm=false" if network == "biggan" else "seed=0")
    assert layouts(ready(*options)) == {True}
    assert layouts(ready(*options, "trainer.channels_last=false", folder="other")) == {False}


# Of maps in another layout, dropout drops other entries.
@pytest.mark.parametrize("overrides", [(*BIGGAN, "network.generator.dropout=0"), STYLEGAN2])
def test_the_layout_in_memory_changes_no_results_and_may_change_where_a_run_continues(trained, overrides):
    options = (*overrides, "trainer.precision=64", "lr_schedule=constant", "trainer.max_iterations=4")
    whole = weights(trained(*options, folder="whole"))
    other = weights(trained(*options, "trainer.channels_last=false", folder="other"))
    trained(*options, "trainer.max_iterations=2", folder="changed")
    changed = weights(trained(*options, "trainer.channels_last=false", folder="changed"))
    for name, value in whole.items():
        torch.testing.assert_close(other[name], value, rtol=1e-7, atol=1e-8, msg=name)
        torch.testing.assert_close(changed[name], value, rtol=1e-7, atol=1e-8, msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        (*POINTS, "model=gan", "network.discriminator.dropout=0.2"),
        (*TINY_IMAGES, *CONVOLUTIONS, "model=cgan", "network=dcgan", "schedule.reuse_fakes=true", "schedule.ema_decay=0.9"),
    ],
)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch looks at what samples of a generator have
def test_a_compiled_run_has_the_same_weights_and_can_continue_without_compiling(trained, overrides):
    options = (
        *overrides,
        "loss=hinge",
        "penalty=none",
        "trainer.precision=64",
        "lr_schedule=constant",
        "trainer.max_iterations=4",
    )
    whole = weights(trained(*options, folder="whole"))
    trained(*options, "trainer.compile=true", "trainer.max_iterations=2", folder="changed")
    changed = weights(trained(*options, folder="changed"))
    assert changed.keys() == whole.keys()
    for name, value in whole.items():
        torch.testing.assert_close(changed[name], value, rtol=1e-7, atol=1e-8, msg=name)


@pytest.mark.parametrize("penalty", ["gradient", "dragan", "lipschitz", "r1", "r1_r2", "path_length"])
def test_penalties_that_differentiate_a_player_are_refused_where_it_is_compiled(ready, penalty):
    with refused("trainer.compile", "penalty"):
        ready(*STYLEGAN2, f"penalty={penalty}", "~regularizers.path", "trainer.compile=true")


def test_spectral_norm_is_refused_where_players_are_compiled(ready):
    with refused("trainer.compile", "network"):
        ready(*TINY_RING, "network=mlp", "loss=hinge", "network.generator.spectral_norm=true", "trainer.compile=true")


def test_compiling_and_computing_twice_exclude_each_other(ready):
    with refused("trainer.compile", "trainer.recompute"):
        ready(*BIGGAN, "trainer.compile=true", "trainer.recompute=true")


@pytest.mark.parametrize("overrides", [TINY_RING, (*TINY_IMAGES, *CONVOLUTIONS, "model=dcgan", "network=dcgan")])
def test_networks_without_blocks_are_refused(ready, overrides):
    with refused("trainer.recompute", "network"):
        ready(*overrides, "trainer.recompute=true")


@pytest.mark.parametrize("option", [field.name for field in fields(Execution)])
@pytest.mark.parametrize("value", [1, "yes", None])
def test_an_option_is_on_or_off(option, value):
    with refused(f"trainer.{option}"):
        Execution.of({option: value})


def test_a_run_of_before_the_option_has_none():
    assert Execution.of({"accelerator": "cpu"}) == Execution()
