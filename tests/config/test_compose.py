"""The configuration before anything heavy is imported."""

import pytest
from omegaconf import OmegaConf

from ganexp.config.compose import complete, compose, directory, file_name, first_line, flatten, near_miss, plain
from support.refused import refused

MADE = {"model": "gan", "data": "ring", "loss": "hinge", "penalty": "none", "augmentation": "none"}
CHOICES = {**MADE, "experiment": None, "hydra/output": "default"}


def test_finds_the_yaml():
    assert (directory() / "config.yaml").is_file()


def test_composes_as_the_command_line_does():
    config = compose("loss=hinge", "seed=3", "name=mine")
    assert config["choices"]["loss"] == "hinge" and (config["seed"], config["name"]) == (3, "mine")
    assert config["loss"] == {"_target_": "ganexp.models.losses.Hinge"} and "hydra" not in config


def test_resolves_everything():
    cfg = OmegaConf.create({"a": 1, "b": {"c": "${a}", "d": ["${b.c}", "x${a}"]}})
    assert plain(cfg) == {"a": 1, "b": {"c": 1, "d": [1, "x1"]}}


@pytest.mark.parametrize(
    ("content", "key", "names"),
    [
        ({"a": {"b": "${nope}"}}, "a.b", "'nope'"),
        ({"a": {"b": ["${nope}"]}}, "a.b", "'nope'"),
        ({"a": {"b": "${nope:3}"}}, "a.b", "nope"),
        ({"a": {"b": "???"}}, "a.b", ""),
    ],
)
def test_says_where_a_value_cannot_be_resolved(content, key, names):
    cfg = OmegaConf.create(content)
    OmegaConf.set_struct(cfg, True)
    with refused(key) as caught:
        plain(cfg)
    assert names in str(caught.value)


@pytest.mark.parametrize(
    ("name", "experiment", "expected"),
    [
        (None, None, "gan-ring-hinge"),
        (None, "paper", "paper"),
        ("mine", "paper", "mine"),
        (3, None, "3"),
        ("", None, "gan-ring-hinge"),
    ],
)
def test_every_run_has_a_name(name, experiment, expected):
    cfg = OmegaConf.create({"name": name, "output_dir": "outputs"})
    content = complete(cfg, CHOICES | {"experiment": experiment})
    assert content["name"] == expected
    assert content["choices"] == MADE | {"experiment": str(experiment)}


@pytest.mark.parametrize("group", MADE)
def test_a_run_makes_one_choice(group):
    cfg = OmegaConf.create({"name": None, "output_dir": "outputs"})
    with refused(group):
        complete(cfg, {key: choice for key, choice in CHOICES.items() if key != group})


@pytest.mark.parametrize(("key", "value"), [("name", ["a"]), ("name", True), ("output_dir", None), ("output_dir", {})])
def test_folders_have_names(key, value):
    cfg = OmegaConf.create({"name": None, "output_dir": "outputs"} | {key: value})
    with refused(key):
        complete(cfg, CHOICES)


def test_flattens_to_dotted_keys():
    assert flatten({"a": {"b": 1, "c": {}}, "d": [1, {"e": 2}]}) == {"a.b": 1, "a.c": {}, "d": [1, {"e": 2}]}
    assert flatten({}) == {}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("los", "loss"),
        ("schedule.d_step", "schedule.d_steps"),
        ("schedule.gsteps", "schedule.g_steps"),
        ("shedule.d_steps", "schedule.d_steps"),
        ("batch_size", "data.batch_size"),
        ("lr", "optimizer.lr"),
        ("g_optimizer.lrr", "g_optimizer.lr"),
        ("schedule.foo", None),
        ("nothing", None),
    ],
)
def test_finds_what_was_meant(word, meant):
    candidates = ["loss", "schedule.d_steps", "schedule.g_steps", "data.batch_size", "g_optimizer.lr", "optimizer.lr"]
    assert near_miss(word, candidates) == meant


def test_names_of_folders_are_legal_and_short():
    assert file_name("loss=hinge,seed=1") == "loss=hinge,seed=1"
    assert file_name("a/b c:d") == "a_b_c_d"
    long = [file_name("ä" * 300 + end) for end in ("x", "y")]
    assert long[0] != long[1] and all(len(name.encode()) <= 180 for name in long)


def test_takes_the_first_line_of_an_error():
    assert first_line(ValueError("\n a \n b")) == "a"
    assert first_line(ValueError()) == "ValueError"
