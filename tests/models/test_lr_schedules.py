"""The table of formulas in ganexp.models.lr_schedules."""

import math
import pickle
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from ganexp.models.lr_schedules import Constant, Cosine, Linear, LRSchedule, Step

FILES = sorted((Path(__file__).parents[2] / "conf" / "lr_schedule").glob("*.yaml"))
TIMES = [i / 20 for i in range(21)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_configured_schedule_starts_at_one_never_grows_and_stays_beyond_its_ends(path: Path) -> None:
    schedule = instantiate(OmegaConf.load(path))
    assert isinstance(schedule, LRSchedule)
    values = [schedule(progress) for progress in TIMES]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert min(values) >= 0
    assert (schedule(-0.1), schedule(1.1)) == (values[0], values[-1])
    assert [pickle.loads(pickle.dumps(schedule))(progress) for progress in TIMES] == values


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_warmup_is_a_factor_on_every_schedule(path: Path) -> None:
    plain = instantiate(OmegaConf.load(path))
    warm = instantiate(OmegaConf.load(path), warmup=0.2)
    for progress in TIMES:
        assert warm(progress) == pytest.approx(min(1, progress / 0.2) * plain(progress))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), [1, 1, 1, 1, 1]),
        (Linear(), [1, 0.75, 0.5, 0.25, 0]),
        (Linear(start=0.5, final=0.2), [1, 1, 1, 0.6, 0.2]),
        (Cosine(), [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0]),
        (Cosine(start=0.5, final=0.5), [1, 1, 1, 0.75, 0.5]),
        (Step(), [1, 1, 0.1, 0.01, 0.01]),
        (Step(milestones=(1.0, 0.25), factor=0.5), [1, 0.5, 0.5, 0.5, 0.25]),
    ],
)
def test_values_at_each_quarter(schedule: LRSchedule, expected: list[float]) -> None:
    assert [schedule(progress) for progress in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx(expected)
