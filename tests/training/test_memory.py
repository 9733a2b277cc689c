"""What a run takes of the machine, and batches that are too small for a player."""

from functools import partial

import pytest
import torch

from ganexp.config.compose import compose
from ganexp.data import MNIST, Density, ImageFolder, Points, Ring, StackedMNIST
from ganexp.training.components import build_components
from ganexp.training.memory import check_needs
from support.refused import refused
from support.tiny import CONVOLUTIONS, TINY, TINY_IMAGES, TINY_MLP, TINY_RING


def test_data_say_what_they_take() -> None:
    assert Ring(size=1000).memory < Density(size=1000).memory and Points.memory is not Ring.memory
    assert MNIST().memory == 60_000 * 784 and MNIST(subset=10, size=56).memory == 10 * 4 * 784
    assert StackedMNIST().memory == 128_000 * 3 * 784 and ImageFolder.memory is not None


DIGITS = ("data=digits", "metrics=none", "model=dcgan", "data.batch_size=5000")


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        ((*TINY_RING, "network.generator.widths=[3000,3000]"), "network"),
        ((*TINY_RING, "network.discriminator.widths=[8,3000,3000]"), "network"),
        ((*TINY_RING, "data.size=3000000"), "data.size"),
        ((*TINY_RING, "data.batch_size=10000000"), "data.batch_size"),
        (DIGITS, "data.batch_size"),
        ((*DIGITS, "schedule.micro_batches=100"), None),
        (TINY_RING, None),
        ((*TINY_IMAGES, *TINY_MLP, "network=mlp"), None),
    ],
)
def test_each_part_is_counted(monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...], key: str | None) -> None:
    config = compose(*TINY, *overrides)
    game = build_components(config).game
    with torch.device("meta"):
        players = (
            game.network.generator(3, game.data.shape, 0, game.data.value_range),
            game.network.discriminator(game.data.shape),
        )
    check = partial(check_needs, game, players, 3, {"accelerator": "cpu"})
    monkeypatch.setattr("ganexp.config.memory.available_memory", lambda: 10**7)
    if key is None:
        check()
        return
    with refused(key):
        check()


def test_blocks_that_are_computed_twice_keep_less(monkeypatch: pytest.MonkeyPatch) -> None:
    game = build_components(compose(*TINY, *TINY_IMAGES, *CONVOLUTIONS, "data.batch_size=5000", "network=r3gan")).game
    with torch.device("meta"):
        players = (game.network.generator(3, game.data.shape), game.network.discriminator(game.data.shape))
    monkeypatch.setattr("ganexp.config.memory.available_memory", lambda: 2 * 10**8)
    check_needs(game, players, 3, {"accelerator": "cpu", "recompute": True})
    with refused("data.batch_size"):
        check_needs(game, players, 3, {"accelerator": "cpu"})


def test_on_a_gpu_its_own_memory_counts_for_all_and_the_machine_s_for_weights_and_data(monkeypatch) -> None:
    game = build_components(compose(*TINY, *TINY_RING, "data.size=10000")).game
    with torch.device("meta"):
        players = (game.network.generator(3, game.data.shape, 0, None), game.network.discriminator(game.data.shape))
    free = {"machine": 10**9, "gpu": 10**9}
    monkeypatch.setattr("ganexp.training.memory.on_cpu", lambda trainer: False)
    monkeypatch.setattr("ganexp.config.memory.available_memory", lambda: free["machine"])
    monkeypatch.setattr("ganexp.training.memory.device_memory", lambda: free["gpu"])
    check = partial(check_needs, game, players, 3, {"accelerator": "gpu"})
    check()
    free["gpu"] = game.data.memory
    with refused("data.size") as caught:
        check()
    assert "the GPU's memory" in str(caught.value)
    free |= {"machine": game.data.memory, "gpu": 10**9}
    with refused("data.size") as caught:
        check()
    assert "GPU" not in str(caught.value)


ALONE = ("data.size=33", "data.batch_size=16", "data.drop_last=false", "model=gan", "loss=non_saturating")


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize(
    "options",
    [(*ALONE,), ("data.size=32", "data.batch_size=1"), ("data.size=32", "data.batch_size=4", "schedule.micro_batches=4")],
)
def test_a_batch_of_one_is_refused_where_a_player_normalises_over_it(ready, player: str, options: tuple[str, ...]) -> None:
    norm = f"network.{player}.norm=batch"
    with refused("data.batch_size", "data.drop_last"):
        ready("data=ring", "loss=non_saturating", "penalty=none", *TINY_MLP, *options, norm)


def test_a_batch_of_one_is_taken_where_nothing_is_normalised_or_none_is_left(ready) -> None:
    common = ("data=ring", "loss=non_saturating", "penalty=none", *TINY_MLP, *ALONE)
    ready(*common, "network.generator.norm=layer", folder="layer")
    ready(*common, "network.generator.norm=batch", "data.drop_last=true", folder="dropped")
