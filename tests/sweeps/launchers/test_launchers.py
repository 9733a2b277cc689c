import re
from pathlib import Path

import pytest

import ganexp
from ganexp.config.build import build
from ganexp.config.compose import compose_option, directory
from ganexp.sweeps.launchers import Launcher


@pytest.mark.parametrize("name", sorted(path.stem for path in (directory() / "launcher").glob("*.yaml")))
def test_every_launcher_can_be_made_from_its_options(name, monkeypatch, tmp_path):
    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))  # no GPU, and what looks like Slurm
    launcher = build(compose_option("launcher", name), "launcher")
    assert isinstance(launcher, Launcher) and launcher.n_jobs >= 1 and launcher.describe()


def test_a_launcher_is_known_nowhere_but_in_its_own_folder():
    package = Path(ganexp.__file__).parent
    own = package / "sweeps" / "launchers" / "slurm"
    files = [file for file in package.rglob("*.py") if own not in file.parents]
    # By SLURM_NTASKS Lightning knows that a run's processes are started for it.
    texts = {file: file.read_text().replace("SLURM_NTASKS", "") for file in files}
    assert [file for file, text in texts.items() if re.search("slurm|submitit|sacct|squeue", text, re.IGNORECASE)] == []
