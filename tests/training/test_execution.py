"""How the players compute is an option, and what they compute is not."""

import pytest
import torch

from ganexp.training.execution import Execution
from support.refused import refused
from support.tiny import CONVOLUTIONS, TINY_IMAGES, TINY_RING

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


@pytest.mark.parametrize("overrides", [TINY_RING, (*TINY_IMAGES, *CONVOLUTIONS, "model=dcgan", "network=dcgan")])
def test_networks_without_blocks_are_refused(ready, overrides):
    with refused("trainer.recompute", "network"):
        ready(*overrides, "trainer.recompute=true")


@pytest.mark.parametrize("value", [1, "yes", None])
def test_an_option_is_on_or_off(value):
    with refused("trainer.recompute"):
        Execution.of({"recompute": value})


def test_a_run_of_before_the_option_has_none():
    assert Execution.of({"accelerator": "cpu"}) == Execution()
