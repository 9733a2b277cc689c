"""The scripts in examples/ run from an empty folder, here with tiny budgets."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
TINY = ("trainer.accelerator=cpu", "trainer.max_epochs=1", "callbacks.samples.times=1", "callbacks.evaluation.times=1")


@pytest.fixture
def example(monkeypatch, tmp_path, capsys):
    """Return a function that runs a script with overrides in an empty folder, and gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *overrides: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *TINY, *overrides])
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_a_first_gan(example, tmp_path):
    assert "16 sevens with shape (1, 8, 8)" in example("first_gan.py")
    assert list(tmp_path.glob("outputs/*/*/sevens.png"))


def test_images_of_ones_own(example, tmp_path):
    printed = example("own_images.py", "network.generator.channels=4", "network.discriminator.channels=4", "metrics=none")
    assert "cross: mean brightness" in printed and "disc: mean brightness" in printed
    assert list(tmp_path.glob("outputs/*/*/generated/*.png"))


@pytest.mark.slow
def test_a_sweep_and_its_figure(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    script = runpy.run_path(str(FOLDER / "sweep_figure.py"))
    script["main"]([*TINY, "callbacks.evaluation.samples=100"], ("hinge",), range(2))
    assert list(tmp_path.glob("outputs/sweeps/*/fid.png"))


def test_every_example_is_run():
    tried = Path(__file__).read_text()
    assert all(f'"{path.name}"' in tried for path in FOLDER.glob("*.py"))
