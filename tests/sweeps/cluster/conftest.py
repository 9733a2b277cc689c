"""A Slurm cluster of three nodes on this host, for the tests of this folder."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from support.sweeps import Sweep

SCRIPTS = Path(__file__).parents[3] / "scripts"
PORTS = 7  # of three nodes and four daemons


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start the cluster; return its folder, and stop it in the end."""
    missing = [name for name in ("slurmctld", "slurmdbd", "munged", "mariadbd") if shutil.which(name) is None]
    if missing or os.geteuid():
        pytest.skip(f"needs {', '.join(missing)}, see scripts/slurm_up.sh" if missing else "only root can start a cluster")
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([SCRIPTS / "slurm_up.sh", folder], env=os.environ | {"PORT": str(free_ports())}, check=True)
    yield folder
    subprocess.run([SCRIPTS / "slurm_down.sh", folder], check=True)


@pytest.fixture
def make_sweep(cluster: Path, tmp_path: Path) -> Iterator[Callable[..., Sweep]]:
    """Return a function that makes a sweep of its arguments, which ends with the test."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(closing(Sweep(cluster, tmp_path, *arguments)))


def free_ports() -> int:
    """Return the first of seven neighbouring ports of which none is in use."""
    for first in range(20_000 + os.getpid() % 1000 * 10, 32_000, PORTS):
        with_sockets = [socket.socket() for _ in range(PORTS)]
        try:
            for port, one in enumerate(with_sockets, first):
                one.bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for one in with_sockets:
                one.close()
        return first
    raise RuntimeError("no free ports")
