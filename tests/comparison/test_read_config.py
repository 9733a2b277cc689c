"""Configurations, read fast."""

import pytest
import yaml

from ganexp.comparison.collect import read_config
from ganexp.config.compose import register_resolvers
from ganexp.runs.run import Run
from support.made_runs import make_run

REFERENCES = {
    "optimizer": {"lr": 0.5, "betas": [0.1, 0.9]},
    "d_optimizer": {"lr": "${optimizer.lr}", "betas": "${optimizer.betas}", "kept": {"lr": "${..lr}"}},
    "trainer": {"max_epochs": None, "max_iterations": "${ganexp.unless:${trainer.max_epochs},${budget}}"},
    "budget": "${other}",
    "other": 7,
    "name": "of ${other} parts",
    "choices": {"model": "gan"},
}


@pytest.fixture(autouse=True)
def _resolvers():
    register_resolvers()


def write(folder, content):
    (folder / ".hydra").mkdir()
    file = folder / ".hydra" / "config.yaml"
    file.write_text(yaml.safe_dump(content))
    return folder


def test_references_are_resolved_wherever_they_lead(tmp_path):
    made = read_config(write(tmp_path, REFERENCES))
    assert made == Run(tmp_path).config
    assert made["d_optimizer"] == {"lr": 0.5, "betas": [0.1, 0.9], "kept": {"lr": 0.5}}
    assert (made["trainer"]["max_iterations"], made["name"]) == (7, "of 7 parts")


def test_a_whole_configuration_is_read_as_the_run_reads_it(tmp_path):
    run = make_run(tmp_path, "data=digits", "loss=r3gan")
    assert read_config(run) == Run(run).config


@pytest.mark.parametrize("content", [None, [1], {"a": 1}, {"choices": 3}, {"choices": {}, "a": "${nope}"}])
def test_what_is_damaged_is_none(tmp_path, content):
    assert read_config(write(tmp_path, content)) is None
