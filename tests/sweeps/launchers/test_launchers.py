import pytest
from hydra.plugins.launcher import Launcher

from ganexp.config.build import build
from ganexp.config.compose import compose_option, directory


@pytest.mark.parametrize("name", sorted(path.stem for path in (directory() / "launcher").glob("*.yaml")))
def test_every_launcher_can_be_made_from_its_options(name, monkeypatch, tmp_path):
    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))  # no GPU, and what looks like Slurm
    launcher = build(compose_option("launcher", name), "launcher")
    assert isinstance(launcher, Launcher) and launcher.n_jobs >= 1 and launcher.describe()
