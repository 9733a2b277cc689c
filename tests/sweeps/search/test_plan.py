import json
import pickle
import sys

import pytest
import yaml

from ganexp.config.compose import compose, directory
from ganexp.config.errors import ConfigError
from ganexp.sweeps.search.plan import plan

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
    ("changes", "key", "message"),
    [
        ({"swept": {}}, "search.space", "nothing to search"),
        ({"swept": {"seed": "0,1"}}, "seed", "trials of one seed"),
        ({"trials": 0}, "search.trials", "greater than or equal to 1"),
        ({"workers": "two"}, "search.workers", "whole number"),
        ({"value": "first"}, "search.value", "final"),
        ({"trails": 3}, "search.trails", r"did you mean search\.trials"),
        ({"objectives": {"fid": "minimize"}}, "search.objectives", "there is: coverage"),
        ({"objectives": {"coverage": "minimize"}}, "search.objectives", "to be maximized"),
        ({"objectives": {"coverage": "up"}}, "search.objectives", "maximize"),
        ({"sampler": {"n_startup_trials": 3}}, "search.sampler", "_target_"),
        ({"sampler": {"_target_": "optuna.samplers.TPESample"}}, "search.sampler._target_", "TPESampler"),
        ({"sampler": {"_target_": "optuna.samplers.TPESampler", "n_trials": 3}}, "search.sampler.n_trials", "no option"),
        (
            {"sampler": OTHER},
            "search.sampler.n_startup_trials",
            r"what it does not have: ~search\S*trials ~search\S*constant_liar",
        ),
        ({"sampler": {"_target_": "optuna.samplers.BruteForceSampler"}}, "search.sampler", "BruteForceSampler"),
        ({"pruner": {"_target_": "optuna.pruners.PercentilePruner"}}, "search.pruner", "needs percentile"),
        ({"pruner": {"_target_": "optuna.samplers.RandomSampler"}}, "search.pruner._target_", "one of optuna.pruners"),
        ({"given": ["metrics=none"]}, "metrics", "nothing is measured"),
        ({"given": ["~callbacks.evaluation", "~callbacks.health"], "fixed": {}}, "callbacks.evaluation", "worth"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_by_its_key(planned, changes, key, message):
    with pytest.raises(ConfigError, match=message) as refused:
        planned(**changes)
    assert refused.value.keys == (key,)


@pytest.mark.parametrize("swept", [{"loss": "hinge,hinje"}, {"d_optimizer.rate": "interval(0,1)"}])
def test_what_cannot_be_composed_is_refused(planned, swept):
    from hydra.errors import HydraException

    with pytest.raises(HydraException, match="hinje|rate"):
        planned(swept=swept)


def test_without_optuna_it_says_what_to_install(planned, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'ganexp\[search\]'"):
        planned()


@pytest.mark.parametrize("n_startup_trials", [1, 20])
def test_a_sampler_without_its_package_is_refused_before_it_is_needed(planned, monkeypatch, n_startup_trials):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    sampler = {"_target_": "optuna.samplers.CmaEsSampler", "n_startup_trials": n_startup_trials}
    with pytest.raises(ConfigError, match="needs cmaes, which is missing .pip install cmaes.") as refused:
        planned(swept=LR | {"g_optimizer.lr": "interval(0,1)"}, sampler=sampler)
    assert refused.value.keys == ("search.sampler._target_",)


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
