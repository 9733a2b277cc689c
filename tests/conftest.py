"""Tiny experiments, composed as the command line composes them and trained in the test's own folder."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

from ganexp.config.compose import compose
from ganexp.runs.run import Run
from ganexp.training.experiment import Experiment, assemble
from ganexp.training.train import train
from support.tiny import TINY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True, scope="session")
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is derived from data, such as a trained classifier, for all tests of this session and no other."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        if "GANEXP_DATA" in os.environ:
            root = shared / "data"
            root.mkdir(exist_ok=True)
            for entry in Path(os.environ["GANEXP_DATA"]).resolve().iterdir():
                with suppress(FileExistsError):  # another worker was there first
                    (root / entry.name).symlink_to(entry)
            patch.setenv("GANEXP_DATA", str(root))
        yield


@pytest.fixture(autouse=True)
def _no_traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave the random generators, the environment, Hydra and the modules that tests wrote themselves as they were."""
    environment, modules, written = dict(os.environ), set(sys.modules), str(tmp_path_factory.getbasetemp())
    with torch.random.fork_rng():
        yield
    for name in sys.modules.keys() - modules:  # the next test may write another module of the same name
        if str(getattr(sys.modules[name], "__file__", None)).startswith(written):
            del sys.modules[name]
    os.environ.clear()
    os.environ.update(environment)
    GlobalHydra.instance().clear()


@pytest.fixture
def ready(tmp_path: Path) -> Callable[..., Experiment]:
    """Return a function that prepares a tiny training from overrides."""

    def make(*overrides: str, folder: str = "run") -> Experiment:
        return assemble(compose(*TINY, *overrides), Run(tmp_path / folder))

    return make


@pytest.fixture
def trained(ready: Callable[..., Experiment]) -> Callable[..., Experiment]:
    """Return a function that trains a tiny training from overrides to its end."""

    def make(*overrides: str, folder: str = "run") -> Experiment:
        training = ready(*overrides, folder=folder)
        train(training, list(overrides))
        return training

    return make


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that gives the folder of a tiny run, trained once for equal overrides; no test may change it."""
    base, made = tmp_path_factory.mktemp("shared"), dict[tuple[str, ...], Path]()

    def find(*overrides: str) -> Path:
        if overrides not in made:
            made[overrides] = base / f"{len(made)}"
            train(assemble(compose(*TINY, *overrides), Run(made[overrides])), list(overrides))
        return made[overrides]

    return find
