"""What cannot be said of few samples is not said."""

import math
from pathlib import Path

import pytest
import torch

from ganexp.metrics import FID, KID, PRDC, MaximumMeanDiscrepancy, Metric, PointCoverage, Reference
from ganexp.metrics.measurement import enough
from support.features import Projection, reference_of
from support.refused import refused
from support.stripes import Made


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def made(count: int) -> Made:
    return Made(torch.randint(0, 256, (count, 1, 4, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8), None)


@pytest.mark.parametrize("metric", [FID(), KID(), PRDC(), PRDC(k=9)], ids=["fid", "kid", "prdc", "prdc_9"])
def test_a_metric_says_how_many_samples_make_a_number(metric: Metric) -> None:
    for count in (metric.least - 1, metric.least):
        reference = reference_of(made(max(count, 2)))
        values = metric(reference.samples(made(count).images), reference).values()
        assert all(map(math.isfinite, values)) == (count == metric.least)


def test_metrics_of_points_say_so_too() -> None:
    assert MaximumMeanDiscrepancy().least == 2 and PointCoverage(neighbours=7).least == 8


def test_metrics_that_need_more_are_left_out_and_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    metrics: dict[str, Metric] = {"fid": FID(), "prdc": PRDC()}
    assert enough(metrics, Reference(made(10), Projection()), 6, "samples") == metrics and not capsys.readouterr().err
    assert list(enough(metrics, Reference(made(10), Projection()), 5, "samples")) == ["fid"]
    assert "prdc" in capsys.readouterr().err
    with refused("samples"):
        enough(metrics, Reference(made(10), Projection()), 1, "samples")
    assert not enough(metrics, Reference(made(1), Projection()), 1000, "samples")  # more samples would not help
    assert len(capsys.readouterr().err.splitlines()) == 2
