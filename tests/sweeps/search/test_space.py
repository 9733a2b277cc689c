import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from ganexp.sweeps.search.space import alternatives, overrides, read_space, trial_name
from support.refused import refused

optuna = pytest.importorskip("optuna")
KINDS = optuna.distributions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval(0,1)", KINDS.FloatDistribution(0.0, 1.0)),
        ("tag(log,interval(1e-5,1e-2))", KINDS.FloatDistribution(1e-5, 1e-2, log=True)),
        ("int(interval(1,10))", KINDS.IntDistribution(1, 10)),
        ("tag(log,int(interval(1,100)))", KINDS.IntDistribution(1, 100, log=True)),
        ("int(tag(log,interval(1,100)))", KINDS.IntDistribution(1, 100, log=True)),
        ("range(1,10,3)", KINDS.IntDistribution(1, 7, step=3)),
        ("range(10,1,-3)", KINDS.IntDistribution(4, 10, step=3)),
        ("range(0,1,0.25)", KINDS.FloatDistribution(0.0, 0.75, step=0.25)),
        ("hinge,r3gan", KINDS.CategoricalDistribution(["hinge", "r3gan"])),
        ("shuffle(choice(a,b,c))", KINDS.CategoricalDistribution(["a", "b", "c"])),
        ("choice([0,0.9],[0.5,0.999])", KINDS.CategoricalDistribution(["[0,0.9]", "[0.5,0.999]"])),
    ],
)
def test_what_a_sweep_says_is_what_is_searched(text, expected):
    assert read_space({"key": text}) == {"key": expected}


@pytest.mark.parametrize(
    "text",
    [
        *("0.1", "[1,2]", "choice(a)", "choice(a,a)", "range(5,1)", "range(1,2)", "glob(*)"),
        *("interval(1,0)", "interval(1,1)", "interval(0,inf)", "tag(log,interval(0,1))"),
        *("tag(log,choice(1,10))", "tag(normal,interval(0,1))", "interval(0", "uniform(0,1)"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_its_key(text):
    with refused("d_optimizer.lr"):
        read_space({"d_optimizer.lr": text})


def test_a_key_cannot_be_deleted_by_values():
    with refused("~loss"):
        read_space({"~loss": "hinge,r3gan"})


def test_a_point_is_read_by_hydra_as_its_values():
    values = {"lr": 1.2345678901234567e-05, "n": 3, "betas": "[0.0,0.9]", "flag": "True", "+text": "'a, b'"}
    read = OverridesParser.create().parse_overrides(overrides(values))
    assert {o.get_key_element(): o.value() for o in read} == values | {"betas": [0.0, 0.9], "flag": True, "+text": "a, b"}


def test_a_choice_keeps_its_quotes_when_it_is_chosen():
    space = read_space({"name": "choice('a, b',c)"})
    (override,) = OverridesParser.create().parse_overrides(overrides({"name": alternatives(space)["name"][0]}))
    assert override.value() == "a, b"


def test_all_choices_and_both_ends_are_tried():
    tried = alternatives(read_space({"loss": "hinge,r3gan,minimax", "lr": "interval(0,1)", "n": "range(0,9,2)"}))
    assert tried == {"loss": ["hinge", "r3gan", "minimax"], "lr": [0.0, 1.0], "n": [0, 8]}


def test_names_are_short_and_legal():
    assert trial_name(7, {"d_optimizer.lr": 0.00030123, "+a/b": "x y"}) == "trial=007,d_optimizer.lr=0.000301,a_b=x_y"
    assert len(trial_name(7, {f"key{i}": 1.0 for i in range(50)})) <= 180
