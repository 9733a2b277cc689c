import json
import pickle
import sys

import pytest
import yaml

from ganexp.config.compose import compose, directory
from ganexp.sweeps.search.plan import plan
from support.refused import refused

pytest.importorskip("optuna")
BASE = yaml.safe_load((directory() / "search" / "base.yaml").read_text())
OTHER = BASE["sampler"] | {"_target_": "optuna.samplers.QMCSampler"}
LR = {"d_optimizer.lr": "tag(log,interval(1e-5,1e-2))"}


@pytest.fixture
def planned(tmp_path):
    """Return a function that plans a search on the ring."""

    def make(swept=None, given=(), **options):
        swept = LR if swept is None else swept
        return plan(tmp_path / "s", BASE | options, swept, ["data=ring", *given], lambda line: compose(*line))

    return make


def test_every_search_of_the_package_can_be_planned(tmp_path):
    for file in sorted((directory() / "search").glob("*.yaml")):
        own = {key: value for key, value in yaml.safe_load(file.read_text()).items() if key != "defaults"}
        space = {} if own["space"] else LR
        search = plan(tmp_path / "s", BASE | own, space, ["model=dcgan", "data=digits"], lambda line: compose(*line))
        assert search.objectives == {"fid": "minimize"}, file
    assert not (tmp_path / "s").exists(), "nothing is written"


def test_what_counts_is_by_default_what_picks_the_best_state(planned):
    assert planned().objectives == {"coverage": "maximize"}
    assert planned(given=["callbacks.evaluation.best=mmd_squared"]).objectives == {"mmd_squared": "minimize"}
    several = {"coverage": "maximize", "mmd_squared": "minimize"}
    assert planned(objectives=several).objectives == several


def test_several_values_are_not_pruned(planned):
    assert planned().prunes
    assert not planned(objectives={"coverage": "maximize", "mmd_squared": "minimize"}).prunes
    assert not planned(pruner=None).prunes


def test_the_command_line_counts_more(planned):
    space = {"g_optimizer.lr": "interval(0,1)", "d_optimizer.lr": "interval(0,2)"}
    search = planned(space=space)
    assert search.options.space == {"g_optimizer.lr": "interval(0,1)", **LR}
    search = planned(space=space, given=["g_optimizer.lr=0.1", "callbacks.health.action=report"])
    assert search.options.space == LR
    assert search.overrides == ("data=ring", "g_optimizer.lr=0.1", "callbacks.health.action=report")
    assert planned().overrides == ("callbacks.health.action=stop", "data=ring")


def test_a_search_can_be_sent_to_another_process(planned):
    search = planned()
    assert pickle.loads(pickle.dumps(search)) == search


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"swept": {}}, "search.space"),
        ({"swept": {"seed": "0,1"}}, "seed"),
        ({"trials": 0}, "search.trials"),
        ({"workers": "two"}, "search.workers"),
        ({"storage": "studies"}, "search.storage"),
        ({"storage": "postgresql://me:secret@host/studies"}, "search.storage"),
        ({"value": "first"}, "search.value"),
        ({"trails": 3}, "search.trails"),
        ({"objectives": {"fid": "minimize"}}, "search.objectives"),
        ({"objectives": {"coverage": "minimize"}}, "search.objectives"),
        ({"objectives": {"coverage": "up"}}, "search.objectives"),
        ({"sampler": {"n_startup_trials": 3}}, "search.sampler._target_"),
        ({"sampler": {"_target_": "optuna.samplers.TPESample"}}, "search.sampler._target_"),
        ({"sampler": {"_target_": "optuna.samplers.TPESampler", "n_trials": 3}}, "search.sampler.n_trials"),
        ({"sampler": OTHER}, "search.sampler.n_startup_trials"),
        ({"sampler": {"_target_": "optuna.samplers.BruteForceSampler"}}, "search.sampler"),
        ({"pruner": {"_target_": "optuna.pruners.PercentilePruner"}}, "search.pruner"),
        ({"pruner": {"_target_": "optuna.samplers.RandomSampler"}}, "search.pruner._target_"),
        ({"given": ["metrics=none"]}, "metrics"),
        ({"given": ["~callbacks.evaluation", "~callbacks.health"], "fixed": {}}, "callbacks.evaluation"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_by_its_key(planned, changes, key):
    with refused(key):
        planned(**changes)


def test_options_that_another_sampler_does_not_have_are_named_at_once(planned):
    with refused("search.sampler.n_startup_trials") as caught:
        planned(sampler=OTHER)
    assert "~search.sampler.n_startup_trials ~search.sampler.constant_liar" in str(caught.value)


@pytest.mark.parametrize("swept", [{"loss": "hinge,hinje"}, {"d_optimizer.rate": "interval(0,1)"}])
def test_what_cannot_be_composed_is_refused(planned, swept):
    from hydra.errors import HydraException

    with pytest.raises(HydraException, match="hinje|rate"):
        planned(swept=swept)


def test_without_optuna_it_says_what_to_install(planned, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refused("search"):
        planned()


@pytest.mark.parametrize("n_startup_trials", [1, 20])
def test_a_sampler_without_its_package_is_refused_before_it_is_needed(planned, monkeypatch, n_startup_trials):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    sampler = {"_target_": "optuna.samplers.CmaEsSampler", "n_startup_trials": n_startup_trials}
    with refused("search.sampler._target_") as caught:
        planned(swept=LR | {"g_optimizer.lr": "interval(0,1)"}, sampler=sampler)
    assert "pip install cmaes" in str(caught.value)


def test_trials_share_what_they_are_worth_by_not_where_they_run(planned):
    shared = planned().shared
    assert json.loads(json.dumps(shared)) == shared
    assert shared["data._target_"] == "ganexp.data.Ring"
    elsewhere = ("output_dir=x", "name=n", "trainer.accelerator=cpu", "trainer.devices=2", "callbacks.checkpoints.keep=true")
    assert planned(given=[*elsewhere], trials=99, workers=2).shared == shared
    for other in ("trainer.max_iterations=7", "callbacks.evaluation.samples=8", "seed=1", "loss=hinge"):
        assert planned(given=[other]).shared != shared, other


def test_a_seed_of_the_samplers_own_counts_more(planned):
    def first(search, seed):
        optuna = sys.modules["optuna"]
        return optuna.create_study(sampler=search.sampler(seed)).ask(search.space).params

    free, own = planned(), planned(sampler={"_target_": "optuna.samplers.RandomSampler", "seed": 5})
    assert first(free, 1) == first(free, 1) != first(free, 2)
    assert first(own, 1) == first(own, 2)
    without = planned(sampler={"_target_": "optuna.samplers.BruteForceSampler"}, swept={"loss": "hinge,r3gan"})
    assert first(without, 1)["loss"] in ("hinge", "r3gan")
