"""Numbers that were measured after training take the place of those of the training."""

from pathlib import Path

import pytest

from ganexp.comparison.collect import collect
from ganexp.comparison.evaluations import evaluated
from ganexp.config.errors import ConfigError
from ganexp.runs.protocol import digest
from ganexp.runs.records import Summary
from support.made_runs import GOALS, PROTOCOL, best, make_evaluation, make_run, summary


def keep(run: Path, quality: float, iteration: int = 100, **changed) -> Path:
    """Keep a measurement in a run, as ganexp.evaluate does."""
    protocol = {**PROTOCOL, "samples": 10_000, **changed}
    file = run / "evaluations" / f"{iteration:08d}-{digest(protocol)}.json"
    make_evaluation(file, iteration, protocol, {"quality": quality})
    return file


@pytest.fixture
def one(tmp_path):
    return make_run(tmp_path, "loss=hinge", "seed=0", content=summary(0.5))


@pytest.fixture
def other(tmp_path):
    return make_run(tmp_path, "loss=r3gan", "seed=0", content=summary(0.6))


def look(folder: Path, on: str = "final") -> dict[str, Summary]:
    return {outcome.directory.name.split(",")[0]: outcome.summary for outcome in evaluated(collect([str(folder)]).outcomes, on)}


def test_last_and_best_state_have_the_numbers_that_were_measured_of_them(one):
    keep(one, 0.7)
    keep(one, 0.8, iteration=90)
    found = look(one.parent)["loss=hinge"]
    assert (found.metrics, found.best) == ({"loss/d": 1.0, "quality": 0.7}, best(quality=0.8))
    assert (found.real, found.measured["samples"], found.goals) == ({"quality": 0.97}, 10_000, GOALS)
    assert (found.health, found.training_seconds) == (summary().health, 10.0), "the rest is the run's own"


def test_the_state_that_counts_decides_which_protocol_is_taken(one, other):
    keep(one, 0.7)
    for run in (one, other):
        keep(run, 0.8, iteration=90, samples=50_000)
    found = look(one.parent)
    assert (found["loss=hinge"].metrics["quality"], found["loss=hinge"].best) == (0.7, None)
    assert found["loss=r3gan"] == summary(0.6), "of its final state nothing was measured"
    found = look(one.parent, on="best")
    assert [part.best.metrics for part in found.values()] == [{"quality": 0.8}] * 2
    assert [part.metrics for part in found.values()] == [{"loss/d": 1.0}] * 2


def test_what_was_measured_of_an_earlier_state_does_not_count(one, other):
    keep(one, 0.7, iteration=50)
    keep(other, 0.8)
    assert look(one.parent)["loss=hinge"] == summary(0.5)


def test_the_protocol_that_most_runs_have_in_common_counts_then_that_of_the_most_samples(one, other):
    keep(one, 0.7)
    keep(one, 0.71, samples=50_000)
    keep(other, 0.8)
    assert [part.metrics["quality"] for part in look(one.parent).values()] == [0.7, 0.8]
    keep(other, 0.81, samples=50_000)
    assert [part.metrics["quality"] for part in look(one.parent).values()] == [0.71, 0.81]


def test_what_is_damaged_is_reported_and_left_out(one, other):
    keep(one, 0.7)
    file = keep(other, 0.8)
    for text in ("", "[]", "{}", file.read_text()[:-9], file.read_text().replace("0.8", '"0.8"')):
        file.write_text(text)
        ours, theirs = evaluated(collect([str(one.parent)]).outcomes)
        assert ours.summary.metrics["quality"] == 0.7
        assert theirs.summary == summary(0.6)
        assert theirs.reasons == [f"evaluations/{file.name} is damaged"]


def test_where_the_state_that_counts_was_not_measured_the_other_one_is_offered(one):
    with pytest.raises(ConfigError, match="the final state of none of these runs was measured .*ganexp.evaluate"):
        look(one.parent)
    keep(one, 0.8, iteration=90)
    with pytest.raises(ConfigError, match="on=best ranks by what was"):
        look(one.parent)
