"""In what runs differ, found from their configurations."""

from pathlib import Path

import pytest
import yaml

from ganexp.comparison.collect import collect
from ganexp.comparison.parameters import Parameter, labels, text, vary
from support.made_runs import make_record, make_run, summary


@pytest.fixture
def compared(tmp_path):
    """Return a function that makes runs of overrides, and returns the parameters and the label of each run."""

    def make(*runs: str, swept: tuple[str, ...] = ()):
        for overrides in runs:
            make_run(tmp_path / "runs", *overrides.split())
        return look(tmp_path / "runs", swept)

    return make


def look(folder: Path, swept: tuple[str, ...] = ()):
    outcomes = collect([str(folder)]).outcomes
    parameters, rows = vary(outcomes, swept)
    names = dict(zip((outcome.directory.name for outcome in outcomes), labels(parameters, rows), strict=True))
    return {parameter.key: parameter for parameter in parameters}, rows, names


def test_what_follows_from_a_choice_is_no_parameter_of_its_own(compared):
    """r3gan and wgan_gp bring penalties and d_steps along."""
    parameters, rows, names = compared("loss=hinge seed=0", "loss=hinge seed=1", "loss=r3gan seed=0", "loss=wgan_gp seed=0")
    assert list(parameters) == ["loss"]
    assert parameters["loss"].values == ["hinge", "r3gan", "wgan_gp"]
    assert not parameters["loss"].numeric
    assert set(names.values()) == {"hinge", "r3gan", "wgan_gp"}
    assert rows[0] == {"loss": "hinge"}


def test_what_two_keys_say_alike_is_said_once(compared):
    parameters, _, names = compared("optimizer.lr=0.001", "optimizer.lr=0.00001")
    assert list(parameters) == ["optimizer.lr"]  # and neither d_optimizer.lr nor g_optimizer.lr
    found = parameters["optimizer.lr"]
    assert (found.label, found.values, found.numeric, found.log) == ("lr", [1e-5, 1e-3], True, True)
    assert set(names.values()) == {"lr=0.001", "lr=1e-05"}


def test_players_that_differ_are_distinguished(compared):
    parameters, _, names = compared("d_optimizer.lr=0.001", "g_optimizer.lr=0.001", "seed=0")
    assert {key: p.label for key, p in parameters.items()} == {
        "d_optimizer.lr": "d_optimizer.lr",
        "g_optimizer.lr": "g_optimizer.lr",
    }
    assert len(set(names.values())) == 3


def test_what_was_swept_comes_first_and_in_its_order(compared):
    runs = [
        f"seed={seed} data.batch_size={size} loss={loss}" for seed in (0, 1) for size in (16, 64) for loss in ("hinge", "r3gan")
    ]
    assert list(compared(*runs)[0]) == ["loss", "data.batch_size"]
    assert list(compared(swept=("data.batch_size", "seed", "loss", "model"))[0]) == ["data.batch_size", "loss"]


def test_what_was_set_by_hand_is_reported_even_where_it_follows(compared):
    """The label names no more than it needs."""
    parameters, rows, names = compared("model=gan optimizer.lr=0.01", "model=cgan data=digits optimizer.lr=0.001")
    assert list(parameters) == ["model", "data", "optimizer.lr"]
    assert rows[0]["optimizer.lr"] in (0.01, 0.001)
    assert set(names.values()) == {"gan", "cgan"}


def test_a_setting_that_only_some_runs_have_is_none_in_the_others(compared):
    parameters, rows, _ = compared("loss=hinge", "loss=wgan_gp penalty.weight=1", "loss=wgan_gp penalty.weight=10")
    assert list(parameters) == ["loss", "penalty.weight"]
    assert parameters["penalty.weight"].values == [1, 10]
    assert [row["penalty.weight"] for row in rows] == [None, 1, 10]


def test_null_is_a_value(compared):
    parameters, rows, names = compared("schedule.ema_decay=null", "schedule.ema_decay=0.9")
    assert parameters["schedule.ema_decay"].values == ["0.9", "null"]
    assert {row["schedule.ema_decay"] for row in rows} == {"0.9", "null"}
    assert set(names.values()) == {"ema_decay=0.9", "ema_decay=null"}


def test_lists_and_switches_are_readable(compared):
    _, _, names = compared("optimizer.betas=[0.0,0.9]", "optimizer.betas=[0.5,0.9] data.drop_last=false")
    assert set(names.values()) == {"betas=[0.0,0.9] drop_last=true", "betas=[0.5,0.9] drop_last=false"}


def test_a_label_leaves_out_what_follows_from_an_option(compared):
    parameters, _, names = compared("loss=hinge optimizer.lr=0.001", "loss=r3gan optimizer.lr=0.002")
    assert list(parameters) == ["loss", "optimizer.lr"]
    assert set(names.values()) == {"hinge", "r3gan"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("", ""), {"lr=0.001 ema_decay=0.9", "lr=0.002 ema_decay=0.99"}),
        ((" optimizer.betas=[0.0,0.999]", " optimizer.betas=[0.5,0.999]"), {"lr=0.001 …", "lr=0.002 …"}),
    ],
)
def test_a_label_says_all_that_was_varied_or_that_there_is_more(compared, more, expected):
    """One number tells the draws of a search apart, but need not be what made the difference."""
    rates = ("optimizer.lr=0.001 schedule.ema_decay=0.9", "optimizer.lr=0.002 schedule.ema_decay=0.99")
    _, _, names = compared(*(rate + other for rate, other in zip(rates, more, strict=True)))
    assert set(names.values()) == expected


def test_options_come_first_in_a_label(compared):
    _, _, names = compared("optimizer.lr=0.1 loss=hinge", "optimizer.lr=0.2 loss=hinge", "optimizer.lr=0.1 loss=r3gan")
    assert set(names.values()) == {"hinge lr=0.1", "hinge lr=0.2", "r3gan lr=0.1"}


def test_numbers_that_differ_late_are_different_kinds(compared):
    _, _, names = compared("optimizer.lr=0.00012345671", "optimizer.lr=0.00012345674")
    assert set(names.values()) == {"lr=0.00012345671", "lr=0.00012345674"}


def test_numbers_beside_null_are_numbers_still(compared):
    parameters, _, names = compared(*(f"schedule.gradient_clip={value}" for value in ("10", "1", "1.0", "null", "5")))
    assert parameters["schedule.gradient_clip"].values == ["1", "5", "10", "null"]
    assert len(set(names.values())) == 4


def test_seeds_names_and_places_are_no_parameters(compared):
    parameters, _, names = compared("seed=0 name=a", "seed=1 name=b output_dir=c")
    assert parameters == {}
    assert set(names.values()) == {"all runs"}


def test_whole_numbers_and_others_are_equal(compared):
    assert compared("recipe.r1_gamma=1", "recipe.r1_gamma=1.0")[0] == {}


def test_iterations_that_were_found_from_a_time_are_no_parameter(compared):
    parameters, _, names = compared(*(f"budget=5min trainer.max_iterations={count}" for count in (100, 120)))
    assert parameters == {} and set(names.values()) == {"all runs"}
    assert set(compared("budget=5min", "budget=6min")[0]) == {"budget"}


def test_a_refused_job_is_of_the_kind_that_its_overrides_name(tmp_path):
    for loss in ("hinge", "r3gan"):
        make_run(tmp_path, f"loss={loss}", "seed=0", content=summary())
    make_record(tmp_path, "loss=hinge,seed=1", "refused")
    make_record(tmp_path, "loss=minimax,seed=1", "refused")
    parameters, _, names = look(tmp_path, ("loss",))
    assert parameters["loss"].values == ["hinge", "minimax", "r3gan"]
    assert names["loss=hinge,seed=1"] == "hinge"
    assert names["loss=minimax,seed=1"] == "minimax"


def test_what_a_refused_job_does_not_say_is_known_where_one_kind_fits(tmp_path):
    for rate in (0.001, 0.01):
        make_run(tmp_path, "loss=hinge", f"optimizer.lr={rate}", content=summary())
    make_run(tmp_path, "loss=r3gan", "optimizer.lr=0.001", content=summary())
    make_record(tmp_path, "loss=r3gan,seed=1", "refused")
    make_record(tmp_path, "loss=hinge,seed=1", "refused")
    _, _, names = look(tmp_path)
    assert names["loss=r3gan,seed=1"] == names["loss=r3gan,optimizer.lr=0.001"] == "r3gan lr=0.001"
    assert names["loss=hinge,seed=1"] == "hinge lr=–"


def test_where_all_jobs_were_refused_their_overrides_are_compared(tmp_path):
    for rate in ("1e-3", "1e-4"):
        make_record(tmp_path, f"optimizer.lr={rate},seed=0", "refused")
    parameters, _, _ = look(tmp_path)
    assert parameters["optimizer.lr"].values == [1e-4, 1e-3]


@pytest.mark.parametrize("given", [[], ["d_optimizer.lr=0.002"]])
def test_rates_that_a_run_lowered_itself_are_those_it_was_given(tmp_path, given):
    overrides = ["callbacks.health.action=roll_back", *given]
    for seed in (0, 1):
        run = make_run(tmp_path, *overrides, f"seed={seed}", content=summary())
    file = run / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    for player in ("d_optimizer", "g_optimizer"):
        config[player]["lr"] = config[player]["lr"] / 4
    file.write_text(yaml.safe_dump(config))
    assert look(tmp_path)[0] == {}


def test_values_are_written_as_people_write_them():
    assert [text(value) for value in (0.0002, 64, "hinge", None)] == ["0.0002", "64", "hinge", "–"]


def test_labels_have_as_few_digits_as_tell_values_apart(tmp_path):
    far = [Parameter("lr", "lr", [0.00248256759, 0.00044104], True, True, False)]
    assert labels(far, [{"lr": value} for value in far[0].values]) == ["lr=0.00248", "lr=0.000441"]
    near = [Parameter("lr", "lr", [0.00248256, 0.00248312], True, True, False)]
    assert labels(near, [{"lr": value} for value in near[0].values]) == ["lr=0.0024826", "lr=0.0024831"]
