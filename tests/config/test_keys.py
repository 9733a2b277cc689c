import pytest

from ganexp.config.compose import compose, directory
from ganexp.config.keys import PURPOSES, Purpose, computes, distinguishes, identity, purpose, settings


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("loss", Purpose.COMPUTES), ("data", Purpose.COMPUTES), ("data.rooted", Purpose.COMPUTES),
        ("mine.own", Purpose.COMPUTES), ("callbacks.mine", Purpose.COMPUTES), ("trainer.precision", Purpose.COMPUTES),
        ("seed", Purpose.REPEATS), ("data.root", Purpose.FILES), ("trainer.devices", Purpose.HARDWARE),
        ("trainer.recompute", Purpose.HARDWARE), ("trainer.compile", Purpose.HARDWARE),
        ("trainer.channels_last", Purpose.HARDWARE),
        ("callbacks.samples.times", Purpose.SHOWS), ("logger.csv", Purpose.SHOWS), ("choices.loss", Purpose.NAMES),
        ("search.trials", Purpose.COMMAND), ("hydra.run.dir", Purpose.COMMAND),
    ],
)  # fmt: skip
def test_a_key_computes_unless_the_table_says_otherwise(key, what):
    assert purpose(key) is what
    assert (computes(key), distinguishes(key)) == (what in (Purpose.COMPUTES, Purpose.REPEATS), what is Purpose.COMPUTES)


def test_runs_are_the_same_when_all_that_computes_is_equal():
    one = compose("data=mnist")
    same = (
        "name=x",
        "output_dir=y",
        "data.root=z",
        "trainer.accelerator=cpu",
        "trainer.devices=2",
        "callbacks.samples.times=1",
    )
    assert identity(one) == identity(compose("data=mnist", *same))
    others = [one, *(compose("data=mnist", other) for other in ("seed=1", "loss=hinge", "optimizer.lr=1", "+mine.own=1"))]
    assert len({identity(other) for other in others}) == 5
    assert len({identity(one), *(identity(one, {"trainer.devices": devices}) for devices in "12")}) == 3


def test_a_budget_of_time_stands_for_the_iterations_that_were_found_from_it():
    one, other = ({"budget": "5min", "trainer": {"max_iterations": count, "max_epochs": None}} for count in (100, 120))
    assert identity(one) == identity(other) != identity(other | {"budget": "6min"})
    assert identity(one | {"budget": None}) != identity(other | {"budget": None})


def test_what_the_table_names_exists():
    """A key that is renamed in ``conf/`` has to be renamed in the table."""
    text = "\n".join(file.read_text() for file in directory().rglob("*.yaml"))
    for key in PURPOSES.keys() - {"choices", "flags", "accelerator", "resume"}:
        assert f"{key.rpartition('.')[2]}:" in text, key
    assert (directory() / "accelerator").is_dir()


def test_settings_are_flat_and_are_json():
    assert settings({"a": {"b": (1, 2), "c": {}}, "name": "x", "data": {"root": "y"}}) == {"a.b": [1, 2], "a.c": {}}
