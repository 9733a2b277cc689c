"""A training as a guest in a process: whatever it sets for all of the process is as it was before when it ends."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins

_LOGGERS = ("lightning.pytorch", "lightning.pytorch.profilers", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")


@contextmanager
def isolated() -> Iterator[None]:
    """Give back the environment, the filters of warnings, Hydra's state, random states and torch's switches at the end."""
    import torch
    from lightning.pytorch.utilities.seed import isolate_rng

    Plugins.instance()  # registers Hydra's own, once
    environment, arguments = dict(os.environ), list(sys.argv)
    shared, current = GlobalHydra.instance(), HydraConfig.instance()
    hydra, config, stored, sources = shared.hydra, current.cfg, ConfigStore.instance().repo, SourcesRegistry.instance().types
    ConfigStore.instance().repo, SourcesRegistry.instance().types = dict(stored), dict(sources)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    cudnn, matmul = torch.backends.cudnn, torch.get_float32_matmul_precision()
    switches = cudnn.benchmark, cudnn.deterministic, cudnn.enabled
    strict, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        with warnings.catch_warnings(), isolate_rng():
            yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[:] = arguments
        shared.hydra, current.cfg = hydra, config
        ConfigStore.instance().repo, SourcesRegistry.instance().types = stored, sources
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        cudnn.benchmark, cudnn.deterministic, cudnn.enabled = switches
        torch.use_deterministic_algorithms(strict, warn_only=warns)
        torch.set_float32_matmul_precision(matmul)
