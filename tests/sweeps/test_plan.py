import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from ganexp.__main__ import main
from ganexp.config.compose import directory, register_resolvers
from ganexp.config.keys import source
from ganexp.sweeps.plan import identify, plan_jobs, sweep_folder
from support.made_runs import summary


@pytest.fixture
def composed():
    register_resolvers()
    with initialize_config_dir(str(directory()), version_base="1.3"):
        yield lambda overrides: compose("config", overrides=list(overrides), return_hydra_config=True)


def folder(composed, *arguments: str) -> str:
    overrides = OverridesParser.create().parse_overrides(list(arguments))
    config = composed([argument for argument in arguments if "," not in argument and "(" not in argument])
    OmegaConf.set_struct(config, False)
    return str(sweep_folder(config, overrides))


def test_the_same_command_has_the_same_folder(composed):
    name = folder(composed, "model=dcgan", "data=digits", "loss=hinge,r3gan", "seed=0,1")
    assert name.startswith("outputs/sweeps/dcgan-digits-by-loss-seed-")
    assert folder(composed, "seed=0,1", "data=digits", "loss=hinge,r3gan", "model=dcgan") == name
    assert folder(composed, "model=dcgan", "data=digits", "loss=hinge,r3gan", "seed=0,1", "sweep.retry=true") == name
    same = ("launcher=joblib", "trainer.accelerator=cpu", "callbacks.samples.times=2")
    assert folder(composed, "model=dcgan", "data=digits", "loss=hinge,r3gan", "seed=0,1", *same) == name
    assert folder(composed, "model=dcgan", "data=digits", "loss=hinge,r3gan", "seed=0,2") != name


@pytest.mark.parametrize(
    "arguments, name",
    [
        (("name=mine", "seed=0,1"), "outputs/sweeps/mine"),
        (("name=mine", "output_dir=x", "seed=0,1"), "x/sweeps/mine"),
        (("hydra.sweep.dir=there", "seed=0,1"), "there"),
        (("name=a/b", "seed=0,1"), "outputs/sweeps/a_b"),
        (("name=..", "seed=0,1"), "outputs/sweeps/_."),
        (("name=.", "seed=0,1"), "outputs/sweeps/_"),
    ],
)
def test_a_folder_can_be_named(composed, arguments, name):
    assert folder(composed, *arguments) == name


def names(composed, path: Path, combinations: Sequence[Sequence[str]], swept: set[str]) -> list[str]:
    jobs = plan_jobs(composed, path, combinations, swept)
    for job in jobs:
        job.note(status="finished")
    return [job.name for job in jobs]


def test_jobs_are_named_by_what_varies_and_known_by_their_configuration(composed, tmp_path):
    first = [["data=ring", "loss=hinge", f"seed={seed}"] for seed in (0, 1)]
    assert names(composed, tmp_path, first, {"seed"}) == ["seed=0", "seed=1"]
    # The same runs, told otherwise; and others that would have the names of those.
    again = [["loss=hinge", "seed=1"], ["loss=r3gan", "seed=1"], ["loss=hinge", "seed=1", "output_dir=elsewhere"]]
    assert names(composed, tmp_path, again, {"loss", "seed"}) == ["seed=1", "loss=r3gan,seed=1"]
    longer = [["loss=hinge", "seed=0", "trainer.max_iterations=5"]]
    (name,) = names(composed, tmp_path, longer, {"seed"})
    assert name.startswith("seed=0-") and len(name) == len("seed=0-") + 6


def test_what_is_computed_tells_runs_apart(composed):
    def known(*overrides: str, swept: Sequence[str] = ()) -> str:
        return identify(composed(overrides), overrides, swept)

    assert known("seed=0") == known() == known("name=x", "output_dir=y", "sweep.retry=true", "launcher=joblib")
    assert known("trainer.accelerator=cpu") == known("accelerator=gpu") == known()
    # Who sweeps over hardware wants runs of each.
    assert len({known(f"accelerator={kind}", swept=["accelerator"]) for kind in ("cpu", "gpu")}) == 2
    # What cannot be resolved will be refused, and is known by what was typed.
    assert known("model.latent_dim=???") == known("model.latent_dim=???") != known("model.latent_dim=???", "seed=1")


def test_what_a_configuration_is_read_from_tells_files_apart_and_not_machines(composed, tmp_path, monkeypatch):
    def read(*overrides: str) -> str:
        config = composed(overrides)
        OmegaConf.set_struct(config, False)
        config.data.root = "${oc.env:HERE}"
        return source(config)

    monkeypatch.setenv("HERE", "a")
    here = read("seed=1")
    monkeypatch.setenv("HERE", "b")
    assert here == read("seed=1") == read("seed=1", "name=x", "output_dir=y", "launcher=joblib", "sweep.retry=true")
    assert len({here, read("seed=2"), read("seed=1", "loss=hinge"), read("seed=1", "recipe.r1_gamma=2"), read("seed=???")}) == 5


def test_jobs_know_what_they_were_read_from(composed, tmp_path):
    (job,) = plan_jobs(composed, tmp_path, [["seed=1"]], {"seed"})
    assert job.source == source(composed(["seed=1"]))


def test_the_same_sweep_finds_its_finished_runs_on_other_hardware_and_with_files_elsewhere(tmp_path, monkeypatch, capfd):
    register_resolvers()
    with initialize_config_dir(str(directory()), version_base="1.3"):
        runs = [["data=mnist", f"seed={seed}"] for seed in (0, 1)]
        read = partial(compose, "config", return_hydra_config=True)
        jobs = plan_jobs(lambda line: read(overrides=list(line)), tmp_path / "outputs/sweeps/a", runs, {"seed"})
    for job in jobs:
        job.run.write_summary(summary())
        job.note(status="finished")
    monkeypatch.chdir(tmp_path)
    elsewhere = ("data.root=elsewhere", "trainer.accelerator=cpu", "callbacks.samples.times=3")
    monkeypatch.setattr(sys, "argv", ["ganexp", "-m", "data=mnist", "seed=0,1", "name=a", *elsewhere, "sweep.dry_run=true"])
    main()
    assert "2 runs in outputs/sweeps/a: 2 already finished" in capfd.readouterr().out
