"""What a machine offers, pretended."""

import os
import sysconfig

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.config.hardware import check_compiler, check_hardware, describe_hardware
from support.refused import refused


@pytest.fixture
def machine(monkeypatch):
    """Return a function that pretends a number of GPUs."""

    monkeypatch.delenv("MASTER_ADDR", raising=False)

    def make(gpus: int = 0, mps: bool = False, cores: int = 4) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return make


@pytest.mark.parametrize(
    ("gpus", "trainer"),
    [
        (0, {}),
        (0, {"accelerator": "auto", "precision": "bf16-mixed"}),
        (0, {"accelerator": "cpu", "devices": 4, "strategy": "ddp"}),
        (0, {"devices": "auto"}),
        (2, {"accelerator": "gpu", "devices": 2}),
        (2, {"accelerator": "cuda", "devices": [1]}),
        (2, {"accelerator": "gpu", "devices": "0,1"}),
        (2, {"accelerator": "gpu", "devices": -1, "strategy": "ddp_find_unused_parameters_true"}),
        (2, {"accelerator": "cpu", "devices": 4}),
        (1, {"accelerator": "auto", "precision": "16-mixed"}),
        (1, {"precision": 32}),
    ],
)
def test_what_is_there_passes(machine, gpus, trainer):
    machine(gpus)
    check_hardware(trainer)


def test_a_machine_without_a_compiler_or_headers_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "c++-9").touch(mode=0o755)
    monkeypatch.setenv("CXX", "c++-8 -pipe")
    with refused("trainer.compile") as caught:
        check_compiler()
    assert "c++-8" in str(caught.value)
    monkeypatch.setenv("CXX", "c++-9 -pipe")
    with refused("trainer.compile") as caught:
        check_compiler()
    assert "headers" in str(caught.value)
    (tmp_path / "Python.h").touch()
    check_compiler()


def test_two_processes_can_be_tried_on_one_core_and_more_machines_where_a_cluster_names_them(machine, monkeypatch):
    machine(cores=1)
    check_hardware({"accelerator": "cpu", "devices": 2})
    monkeypatch.setenv("MASTER_ADDR", "there")
    check_hardware({"num_nodes": 2})


def test_an_apple_computer_has_a_gpu(machine):
    machine(mps=True)
    check_hardware({"accelerator": "gpu"})
    check_hardware({"accelerator": "mps", "precision": "16-mixed"})


@pytest.mark.parametrize(
    ("gpus", "trainer", "key", "says"),
    [
        (0, {"accelerator": "gpu"}, "accelerator", "no such device.*use trainer.accelerator=auto"),
        (0, {"accelerator": "cuda"}, "accelerator", "no such device"),
        (1, {"accelerator": "mps"}, "accelerator", "no such device"),
        (1, {"accelerator": "gpuu"}, "accelerator", "auto, cpu, gpu, cuda, mps"),
        (1, {"accelerator": None}, "accelerator", "auto, cpu, gpu, cuda, mps"),
        (0, {"precision": "bf61"}, "precision", "32-true"),
        (0, {"precision": "16-mixed"}, "precision", "bf16-mixed on a CPU"),
        (1, {"accelerator": "cpu", "precision": "16-mixed"}, "precision", "bf16-mixed on a CPU"),
        (0, {"devices": 0}, "devices", "1 or more"),
        (0, {"devices": "0"}, "devices", "1 or more"),
        (0, {"devices": -2}, "devices", "1 or more"),
        (0, {"devices": 1.5}, "devices", "a number, a list of indices, or auto"),
        (0, {"devices": True}, "devices", "a number, a list of indices, or auto"),
        (0, {"devices": "two"}, "devices", "a number, a list of indices, or auto"),
        (0, {"devices": []}, "devices", "a number, a list of indices, or auto"),
        (0, {"devices": ["a"]}, "devices", "a number, a list of indices, or auto"),
        (0, {"devices": None}, "devices", "a number, a list of indices, or auto"),
        (1, {"devices": 2}, "devices", "this machine has 1 GPU "),
        (2, {"devices": [0, 2]}, "devices", "this machine has 2 GPUs"),
        (2, {"devices": "0,2"}, "devices", "this machine has 2 GPUs"),
        (2, {"strategy": "fsdp"}, "strategy", "use trainer.strategy=ddp"),
        (0, {"devices": 64}, "devices", "at most 4"),
        (2, {"accelerator": "cpu", "devices": 5}, "devices", "4 cores"),
        (0, {"num_nodes": 0}, "num_nodes", "1 or more"),
        (0, {"num_nodes": "two"}, "num_nodes", "1 or more"),
        (2, {"num_nodes": 2}, "num_nodes", "where the other machines are"),
    ],
)
def test_what_is_not_there_is_refused(machine, gpus, trainer, key, says):
    machine(gpus)
    with pytest.raises(ConfigError, match=says) as caught:
        check_hardware(trainer)
    assert caught.value.keys == (f"trainer.{key}",)


def test_a_device_has_a_description():
    assert describe_hardware(torch.device("cpu")).startswith("cpu (")
