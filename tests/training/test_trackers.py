"""Experiment trackers, the real ones, offline: what they get, and that a resumed run is the same one there."""

import json

import pytest

from ganexp.config.compose import compose
from ganexp.runs.run import Run
from ganexp.training.experiment import assemble
from ganexp.training.train import train
from support.refused import refused
from support.tiny import TINY_RING

FEW = ("callbacks.evaluation.times=1", "callbacks.evaluation.samples=100")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trackers(run: Run) -> dict:
    return json.loads((run.path / "trackers.json").read_text())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_wandb_gets_everything_and_continues_the_same_run(trained, folder):
    wandb = pytest.importorskip("wandb")
    lines = (*TINY_RING, *FEW, "logger=[tensorboard,csv,wandb]", "logger.wandb.offline=true")
    run = trained(*lines).run
    (written,) = run.path.glob("wandb/offline-run-*/*.wandb")
    content = written.read_bytes()
    assert all(name in content for name in (b"loss/d", b"metrics/coverage", b"final/coverage", b"data.batch_size"))
    assert list(written.parent.glob("files/media/images/samples*.png"))
    first = trackers(run)["wandb"]["id"]
    assert first in written.name and wandb.run is None
    assert (run.path / "metrics.csv").is_file() and list(run.path.glob("events.out.*"))
    trained(*lines, "trainer.max_iterations=8")
    assert trackers(run)["wandb"]["id"] == first
    assert len({path.name for path in run.path.glob("wandb/offline-run-*/*.wandb")}) == 1
    other = trained(*lines, folder="other").run
    assert trackers(other)["wandb"]["id"] != first


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_mlflow_gets_everything_and_continues_the_same_run(trained, folder, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    lines = (*TINY_RING, *FEW, "logger=[csv,mlflow]")
    run = trained(*lines).run
    names = trackers(run)["mlflow"]
    client = MlflowClient(names["uri"])
    known = client.get_run(names["id"])
    assert {"loss/d", "loss/d.adversarial", "metrics/coverage", "final/coverage"} <= known.data.metrics.keys()
    assert known.data.params["data.batch_size"] == "16" and known.info.status == "FINISHED"
    assert [file.path for file in client.list_artifacts(names["id"], "samples")]
    trained(*lines, "trainer.max_iterations=8")
    assert trackers(run)["mlflow"] == names
    assert max(entry.step for entry in client.get_metric_history(names["id"], "loss/d")) == 8


def test_any_logger_of_lightnings_gets_curves_configuration_and_result(trained, folder):
    own = "+logger.own._target_=lightning.pytorch.loggers.CSVLogger"
    run = trained(*TINY_RING, *FEW, "logger=csv", own, f"+logger.own.save_dir={folder}").run
    (table,) = folder.glob("lightning_logs/*/metrics.csv")
    header = table.read_text().splitlines()[0].split(",")
    assert {"loss/d", "metrics/coverage", "final/coverage"} <= set(header)
    assert "data.batch_size: 16" in (table.parent / "hparams.yaml").read_text()
    assert not list(run.path.glob("events.out.*"))


@pytest.mark.parametrize("package", ["wandb", "mlflow"])
def test_a_package_that_is_not_there_is_named(tmp_path, monkeypatch, package):
    monkeypatch.setattr("ganexp.training.trackers.find_spec", lambda name: None)
    with refused(f"logger.{package}"):
        train(assemble(compose(*TINY_RING, f"logger=[csv,{package}]"), Run(tmp_path / "run")), [])
    assert not (tmp_path / "run").exists()
