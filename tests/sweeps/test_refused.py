"""Sweeps that cannot be: one message, exit status 2, and nothing left behind."""

import sys

import pytest

from ganexp.__main__ import main
from ganexp.training.job import SOURCE


@pytest.fixture
def refused(monkeypatch, tmp_path, capfd):
    """Return a function that runs a command in this process, in an empty folder, and returns its one message."""

    def run(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        monkeypatch.setattr(sys, "argv", ["ganexp", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        assert (ended.value.code, printed.out, list(tmp_path.iterdir())) == (2, "", [])
        (line,) = printed.err.splitlines()
        return line

    return run


@pytest.mark.parametrize(
    "line",
    [
        "search.trials=3,4", "search=adam,base", "search=adam search.seed=range(3)", "sweep.dry_run=true,false",
        "launcher=joblib,null", "launcher=joblib launcher.n_jobs=1,2", "output_dir=a,b", "name=a,b", "name=choice(a,b)",
    ],
)  # fmt: skip
def test_what_belongs_to_the_command_is_not_swept(refused, line):
    assert refused("-m", "seed=0,1", *line.split()).startswith(f"ganexp: {line.split()[-1]}: ")


def test_all_that_cannot_be_swept_is_named_at_once(refused):
    assert refused("-m", "name=a,b", "sweep.retry=true,false").startswith("ganexp: name=a,b sweep.retry=true,false: ")


@pytest.mark.parametrize("setting", ["loss=glob(zzz*)", "seed=range(2,2)"])
def test_a_sweep_over_nothing_is_none(refused, setting):
    assert refused("-m", "data=ring,grid", setting).startswith(f"ganexp: {setting}: ")


@pytest.mark.parametrize("setting", ["experiment=null,mnist_gan_mlp", "experiment=mnist_gan_mlp,null", "experiment=null"])
def test_a_choice_that_is_no_name_is_told_as_it_was_typed(refused, setting):
    assert refused("-m", setting).startswith("ganexp: experiment=null: ")


@pytest.mark.parametrize("flag", [["--cfg", "job"], ["--info", "config"]])
def test_a_sweep_has_no_configuration_to_show(refused, flag):
    assert refused("-m", *flag, "seed=0,1").startswith("ganexp: ")


def test_a_run_is_not_trained_by_other_files_than_those_of_its_plan(refused, monkeypatch):
    monkeypatch.setenv(SOURCE, "0" * 16)
    assert "sweep" in refused("seed=1")
