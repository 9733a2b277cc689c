import threading

import pytest

from ganexp.config.build import build
from ganexp.config.errors import ConfigError
from ganexp.sweeps.launchers.joblib import Joblib, visible_gpus
from ganexp.sweeps.supervisor import Launch, Task
from support.refused import refused


class Probe(Task):
    """Note what runs at the same time, and with which variables."""

    launch = Launch()

    def __init__(self, together):
        self.barrier, self.guard = threading.Barrier(together), threading.Lock()
        self.now, self.most, self.environments, self.numbers = [], {}, [], []

    def work(self, number, environment=None):
        gpu = environment.get("CUDA_VISIBLE_DEVICES")
        with self.guard:
            self.numbers.append(number)
            self.environments.append(environment)
            self.now.append(gpu)
            for key in (gpu, "all"):
                count = len(self.now) if key == "all" else self.now.count(gpu)
                self.most[key] = max(self.most.get(key, 0), count)
        self.barrier.wait(60)
        with self.guard:
            self.now.remove(gpu)
        self.barrier.wait(60)


def launch(launcher, jobs, folder):
    probe = Probe(launcher.n_jobs)
    launcher.setup(probe, folder)
    launcher.launch([[f"seed={number}"] for number in range(jobs)])
    return probe


def test_each_gpu_takes_as_many_runs_as_it_should(tmp_path):
    probe = launch(Joblib(gpus=[0, 3], jobs_per_gpu=2), 12, tmp_path)
    assert sorted(probe.numbers) == list(range(12))
    assert probe.most == {"0": 2, "3": 2, "all": 4}


def test_fewer_runs_than_places_are_spread_over_the_gpus(tmp_path):
    assert launch(Joblib(n_jobs=2, gpus=[0, 1], jobs_per_gpu=2), 6, tmp_path).most == {"0": 1, "1": 1, "all": 2}


def test_a_run_of_several_gpus_gets_them(tmp_path):
    probe = launch(Joblib(gpus=[0, 1, 2, 3, 4], gpus_per_job=2, jobs_per_gpu=2), 8, tmp_path)
    assert probe.most == {"0,1": 2, "2,3": 2, "all": 4}  # the fifth is one of no pair
    with refused("launcher.gpus_per_job"):
        Joblib(gpus=[0], gpus_per_job=2)


def test_without_a_gpu_the_cores_are_shared_out(monkeypatch, tmp_path):
    monkeypatch.setattr("ganexp.sweeps.launchers.joblib.available_cores", lambda: 8)
    probe = launch(Joblib(n_jobs=3, gpus=[]), 6, tmp_path)
    assert probe.environments == [{"OMP_NUM_THREADS": "2"}] * 6 and probe.most["all"] == 3
    assert Joblib(gpus=[]).n_jobs == 8


@pytest.mark.parametrize("chosen, seen", [("0,2", ["0", "2"]), ("", []), ("-1", []), ("GPU-ab12", ["GPU-ab12"])])
def test_gpus_that_were_hidden_are_not_used(monkeypatch, chosen, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus() == seen


def test_gpus_are_counted_by_nvidias_tool(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: H200 (UUID: GPU-1)'\necho 'GPU 1: H200 (UUID: GPU-2)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert visible_gpus() == ["0", "1"]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert visible_gpus() == []


@pytest.mark.parametrize("option", [{"n_jobs": 0}, {"jobs_per_gpu": 0}, {"threads": -1}, {"gpus": [-1]}, {"n_job": 2}])
def test_impossible_options_are_refused(option):
    with pytest.raises(ConfigError):
        build({"_target_": "ganexp.sweeps.launchers.joblib.Joblib", **option}, "launcher")
