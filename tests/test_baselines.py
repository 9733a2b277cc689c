"""scripts/baselines.py at a tiny size: a run that was cut off goes on to the same bits, and the page has what was measured."""

import sys
from pathlib import Path

import pytest
import torch

from ganexp.config.compose import compose
from ganexp.runs.run import Run
from ganexp.training.experiment import assemble
from ganexp.training.train import train
from support.crashes import crash
from support.inception import untrained

NAME = "cifar10_sngan"
ARGUMENTS = ("--tiny", "--device", "cpu", "--presets", NAME, "--seeds", "0", "--images", "120", "--samples", "16")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "scripts")
    import baselines

    return baselines


@pytest.fixture
def call(script, monkeypatch, tmp_path):
    """Return a function that runs the command in the test's folder, and returns its status."""

    def run(*arguments):
        here = ("--folder", str(tmp_path / "runs"), "--output", str(tmp_path / "page.md"))
        monkeypatch.setattr(sys, "argv", ["baselines.py", *ARGUMENTS, *here, *arguments])
        with pytest.raises(SystemExit) as ended:
            script.main()
        return ended.value.code

    return run


def ready(path, *more):
    """Prepare the run that the command makes."""
    options = ("data.batch_size=8", "network.generator.channels=8", "network.discriminator.channels=8", "seed=0", *more)
    data = "data._target_=support.one_update.RandomPhotographs"
    config = compose(
        f"experiment={NAME}", data, *options, "metrics=none", "trainer.accelerator=cpu", "trainer.max_iterations=3"
    )
    return assemble(config, Run(path))


def weights(path):
    return torch.load(path / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(call, tmp_path):
    folder = tmp_path / "runs" / f"{NAME}-120-0"
    crash(ready(folder, "callbacks.checkpoints.every=1"), 2)
    assert not (folder / "summary.json").exists()
    assert call() == 0
    whole = ready(tmp_path / "whole")
    train(whole, [])
    found = weights(folder)
    assert all(torch.equal(value, found[name]) for name, value in weights(tmp_path / "whole").items())
    page = (tmp_path / "page.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| {NAME} |"))
    assert row.startswith(f"| {NAME} | 0.00012 | 1 | no | 16.77 |") and "FID, classifier" in page
    assert "FID, inception" not in page  # which was not measured
    (tmp_path / "page.md").unlink()
    assert call("--minutes", "0") == 0  # nothing is left to do but to write
    assert row in (tmp_path / "page.md").read_text()


@pytest.mark.slow
def test_inception_measures_where_its_weights_are_named(call, tmp_path):
    weights = untrained(tmp_path / "inception, untrained.pth")
    assert call("--inception", str(weights), "--samples", "8") == 0
    lines = (tmp_path / "page.md").read_text().splitlines()
    heads, row, real = (next(line for line in lines if line.startswith(f"| {name} |")) for name in ("preset", NAME, "*real*"))
    cells = dict(zip(heads.split(" | "), row.split(" | "), strict=True))
    assert float(cells["FID, inception"]) > 0 and float(cells["FID, classifier"]) > 0
    assert len(real.split("|")) == len(heads.split("|"))


def test_what_was_not_run_is_not_on_the_page(call, tmp_path, capfd):
    assert call("--measure") == 1
    assert f"{NAME} with seed 0: not trained" in capfd.readouterr().err
    assert not (tmp_path / "page.md").exists()


def test_presets_that_quote_a_figure_are_the_default(script):
    assert script.PUBLISHED["cifar10_r3gan"] == "1.96" and "cifar10_dcgan" not in script.PUBLISHED
    assert set(script.PUBLISHED) < set(script.EXPERIMENTS)
