"""Recipes: options that belong together, found by the data, the model and the budget."""

from pathlib import Path

import pytest

from ganexp.config.compose import compose, directory

RECIPES = directory() / "recipe"
IMAGES = ("digits", "mnist", "fashion_mnist", "cifar10")
CHOICES = [(data, "gan") for data in ("ring", "grid", "moons", "swiss_roll", "density", *IMAGES)]
CHOICES += [(data, "dcgan") for data in IMAGES]
UPDATES = {"max_epochs", "max_iterations"}


def names(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.yaml")}


def length(config: dict) -> float:
    """Return the samples that a run sees, up to the size of the data set."""
    trainer = config["trainer"]
    return trainer["max_epochs"] or trainer["max_iterations"] * config["data"]["batch_size"]


@pytest.mark.parametrize(("data", "model"), CHOICES)
def test_a_long_recipe_is_the_quick_one_for_a_larger_budget(data, model):
    quick, long, papers = (
        compose(f"recipe={recipe}", f"data={data}", f"model={model}") for recipe in ("quick", "long", "none")
    )
    assert 2 * length(quick) <= length(long)
    assert quick["recipe"]["betas"] == long["recipe"]["betas"]
    assert quick["recipe"]["octaves"] == long["recipe"]["octaves"]
    assert papers["recipe"]["lr"] == 0.0002 and papers["recipe"]["octaves"] == 0


@pytest.mark.parametrize("kind", ["on", "for"])
def test_both_budgets_have_recipes_for_the_same_choices(kind):
    assert names(RECIPES / kind / "long") == names(RECIPES / kind / "quick")
    data, models = names(directory() / "data"), names(directory() / "model")
    for name in names(RECIPES / kind / "quick"):
        assert name in data or any(name == f"{one}_{model}" for one in data for model in models)


@pytest.mark.parametrize("recipe", ["quick", "long"])
def test_a_budget_of_ones_own_replaces_the_recipes(recipe):
    config = compose(f"recipe={recipe}", "data=mnist", "trainer.max_iterations=5")
    assert {name: config["trainer"][name] for name in UPDATES} == {"max_epochs": None, "max_iterations": 5}
