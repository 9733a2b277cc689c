"""The metrics that points are measured by, as they are configured."""

import pytest
from omegaconf import OmegaConf

from ganexp.config.build import build
from ganexp.config.compose import directory
from ganexp.config.errors import ConfigError
from ganexp.data import Density, Digits, Grid, Points, Ring
from ganexp.metrics import Metric, Reference
from ganexp.metrics.measurement import fitting, goals

EVERYWHERE = {"sliced_wasserstein", "mmd_squared", "coverage"}
MODES = {"modes", "high_quality", "mode_kl", "mode_kl_reverse", "mode_spread"}


def metrics() -> dict[str, Metric]:
    config = OmegaConf.load(directory() / "metrics" / "points.yaml")
    return {str(name): build(node, f"metrics.{name}") for name, node in OmegaConf.to_container(config).items()}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "values"),
    [(Ring(), EVERYWHERE | MODES), (Grid(), EVERYWHERE | MODES), (Density(size=50_000), EVERYWHERE | {"mass_outside"})],
    ids=lambda value: type(value).__name__,
)
def test_the_metrics_that_know_the_data_are_taken(data: Points, values: set[str]) -> None:
    reference = Reference(data)
    fit = fitting(metrics(), reference)
    measured = {
        name: value for metric in fit.values() for name, value in metric(reference.real("test", 2500), reference).items()
    }
    assert {name for name in measured if "/" not in name} == values
    assert not any(metric.collapse(measured) for metric in fit.values())
    assert goals(fit).keys() <= measured.keys()
    assert next(iter(goals(fit).items())) == ("coverage", "max")


def test_images_are_refused() -> None:
    with pytest.raises(ConfigError, match="this needs points"):
        fitting(metrics(), Reference(Digits()))
