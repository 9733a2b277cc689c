"""The table of formulas in ganexp.models.schedules."""

import math
import pickle
from functools import partial
from typing import Any

import pytest
import torch
from hydra.utils import instantiate

from ganexp.config.compose import compose, directory
from ganexp.models.schedules import Clock, Constant, Cosine, Geometric, Linear, Schedule, Step, make

NAMES = sorted(path.stem for path in (directory() / "lr_schedule").glob("*.yaml"))
TIMES = [i / 20 for i in range(21)]


def configured(name: str) -> dict[str, Any]:
    return compose("recipe=none", "data=digits", f"lr_schedule={name}")["lr_schedule"]


@pytest.mark.parametrize("name", NAMES)
def test_every_configured_schedule_starts_at_one_and_stays_beyond_its_ends(name: str) -> None:
    schedule = instantiate(configured(name))
    assert isinstance(schedule, Schedule)
    values = [schedule(Clock(progress)) for progress in TIMES]
    assert values[0] == 1
    assert min(values) >= 0 and max(values) < math.inf
    assert (schedule(Clock(-0.1)), schedule(Clock(1.1))) == (values[0], values[-1])
    assert [pickle.loads(pickle.dumps(schedule))(Clock(progress)) for progress in TIMES] == values


@pytest.mark.parametrize("name", [name for name in NAMES if "warmup" in configured(name)])
def test_warmup_is_a_factor_on_every_schedule_that_has_it(name: str) -> None:
    plain = instantiate(configured(name))
    warm = instantiate(configured(name), warmup=0.2)
    for progress in TIMES:
        assert warm(Clock(progress)) == pytest.approx(min(1, progress / 0.2) * plain(Clock(progress)))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), [1, 1, 1, 1, 1]),
        (Linear(), [1, 0.75, 0.5, 0.25, 0]),
        (Linear(start=0.5, final=0.2), [1, 1, 1, 0.6, 0.2]),
        (Cosine(), [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0]),
        (Cosine(start=0.5, final=0.5), [1, 1, 1, 0.75, 0.5]),
        (Step(), [1, 1, 0.1, 0.01, 0.01]),
        (Geometric(final=0.0001), [1, 0.1, 0.01, 0.001, 0.0001]),
        (Geometric(start=0.25, end=0.75, final=0.01), [1, 1, 0.1, 0.01, 0.01]),
        (Geometric(start=0.5, initial=4.0, final=1.0), [4, 4, 4, 2, 1]),
        (Cosine(initial=3.0, final=1.0), [3, 2 + math.sqrt(0.5), 2, 2 - math.sqrt(0.5), 1]),
        (Step(milestones=(1.0, 0.25), factor=0.5), [1, 0.5, 0.5, 0.5, 0.25]),
    ],
)
def test_values_at_each_quarter(schedule: Schedule, expected: list[float]) -> None:
    assert [schedule(Clock(progress)) for progress in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx(expected)


def test_images_seen_are_another_clock():
    schedule = Linear(initial=2.0, final=0.0, images=100)
    assert [schedule(Clock(0.9, images)) for images in (0, 50, 100, 1000)] == [2, 1, 0, 0]


def test_betas_may_be_whole_numbers():
    optimizer, _ = make(partial(torch.optim.Adam, betas=[0, 0.9]), [torch.nn.Parameter(torch.zeros(2))])
    assert optimizer.param_groups[0]["betas"] == (0.0, 0.9)


@pytest.mark.parametrize(
    ("kind", "given", "fused"),
    [
        (torch.optim.Adam, {}, True),
        (torch.optim.SGD, {"momentum": 0.5}, True),
        (torch.optim.AdamW, {"fused": False}, False),
        (torch.optim.Adam, {"foreach": True}, None),
        (torch.optim.NAdam, {}, None),
        (torch.optim.RMSprop, {}, None),
    ],
)
def test_weights_move_in_one_kernel_where_an_optimiser_can(kind, given, fused):
    optimizer, _ = make(partial(partial(kind, lr=0.1), **given), [torch.nn.Parameter(torch.zeros(1))])
    assert optimizer.defaults.get("fused") is fused


@pytest.mark.parametrize(
    ("kind", "given", "name", "expected"),
    [
        (torch.optim.Adam, {"betas": [0, 0.99]}, "betas", (0.0, 0.99**0.8)),
        (torch.optim.Adam, {"betas": [0.5, Linear(initial=0.9, final=0.5)]}, "betas", (0.5**0.8, 0.7**0.8)),
        (torch.optim.RMSprop, {}, "alpha", 0.99**0.8),
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.5}, "momentum", 0.5**0.8),
    ],
)
def test_decay_rates_are_those_of_several_steps_per_update(kind, given, name, expected):
    optimizer, follow = make(partial(kind, **given), [torch.nn.Parameter(torch.zeros(1))], pace=0.8)
    for move in follow:
        move(Clock(0.5))
    assert optimizer.param_groups[0][name] == pytest.approx(expected)
