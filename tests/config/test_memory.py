"""Memory that there is, as a made-up system tells it, and what does not fit."""

import resource
from pathlib import Path

import pytest

from ganexp.config.memory import available_memory, check_memory
from support.refused import refused

GB = 10**9


def system(root: Path, **files: str) -> Path:
    """Write files, whose names have two underscores for a slash."""
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


MACHINE = {"proc__meminfo": "MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\nSwapFree: 1000000 kB\n"}


def test_it_is_what_the_machine_has_left(tmp_path: Path) -> None:
    assert available_memory(system(tmp_path, **MACHINE)) == 9_000_000 * 1024
    assert available_memory(tmp_path / "nowhere") is None
    assert (available_memory() or 1) > 0


def test_every_control_group_above_the_process_counts(tmp_path: Path) -> None:
    groups = {
        "proc__self__cgroup": "0::/slurm/job\n",
        "sys__fs__cgroup__slurm__job__memory.max": "max\n",
        "sys__fs__cgroup__slurm__job__memory.current": "100\n",
        "sys__fs__cgroup__slurm__memory.max": f"{4 * GB}\n",
        "sys__fs__cgroup__slurm__memory.current": f"{3 * GB}\n",
        "sys__fs__cgroup__slurm__memory.stat": f"anon {GB}\ninactive_file {2 * GB}\n",
    }
    assert available_memory(system(tmp_path, **MACHINE, **groups)) == 3 * GB


def test_in_a_container_the_path_of_the_group_may_be_that_of_the_host(tmp_path: Path) -> None:
    groups = {
        "proc__self__cgroup": "0::/docker/abc\n",
        "sys__fs__cgroup__memory.max": f"{GB}",
        "sys__fs__cgroup__memory.current": "0",
    }
    assert available_memory(system(tmp_path, **MACHINE, **groups)) == GB


def test_groups_of_the_first_version_count_too(tmp_path: Path) -> None:
    folder = "sys__fs__cgroup__memory__job__"
    groups = {
        "proc__self__cgroup": "12:cpu,cpuacct:/job\n5:memory:/job\n",
        f"{folder}memory.limit_in_bytes": f"{2 * GB}",
        f"{folder}memory.usage_in_bytes": f"{GB}",
    }
    assert available_memory(system(tmp_path, **MACHINE, **groups)) == GB


def test_a_limit_of_the_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (GB, GB))
    root = system(tmp_path, **MACHINE, proc__self__statm="1000 10 10 1 0 10 0\n")
    assert available_memory(root) == GB - 1000 * resource.getpagesize()


def test_what_does_not_fit_is_refused_by_what_takes_most() -> None:
    needs = {"network": (6 * GB, "weights"), "data.size": (5 * GB, "the data"), "data.batch_size": (1000, "one batch")}
    check_memory(needs, 11 * GB + 1000)
    with refused("network", "data.size") as caught:
        check_memory(needs, 11 * GB)
    assert "11 GB" in str(caught.value) and "6 GB for weights" in str(caught.value) and "batch" not in str(caught.value)
