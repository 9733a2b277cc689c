"""What turns there are, and those that exclude each other."""

import pytest

from ganexp.models.turns import Turns
from support.refused import refused


def test_the_updates_per_step_of_an_optimiser() -> None:
    apart = Turns(lazy_terms="apart")
    assert apart.pace([16]) == pytest.approx(16 / 17) and apart.pace([1, 4, 4]) == pytest.approx(4 / 5)
    assert apart.pace([2, 3]) == pytest.approx(6 / (6 + 4)), "in six updates 0, 2, 3 and 4 have another step"
    assert Turns().pace([16]) == apart.pace([1, 1]) == apart.pace([]) == 1
    with refused("schedule.update", "schedule.lazy_terms"):
        Turns(update="simultaneous", lazy_terms="apart")


@pytest.mark.parametrize("option", [{"reuse_fakes": True}, {"micro_batches": 2}], ids=["reuse_fakes", "micro_batches"])
def test_fakes_at_once_exclude_what_they_would_undo(option) -> None:
    with refused("schedule.fakes_at_once", f"schedule.{next(iter(option))}"):
        Turns(fakes_at_once=True, **option)
