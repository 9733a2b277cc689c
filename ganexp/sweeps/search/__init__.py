"""Search: a sampler chooses the runs of a sweep instead of a grid, by what the earlier ones have scored. Built on Optuna.

A command makes a search with :func:`.plan.plan`, creates its study with :func:`.study.create`, and hands a
:class:`.worker.Worker` to a launcher as often as there are workers. Nothing here imports Optuna, an optional dependency, before
it is needed.
"""

import importlib.util
import warnings
from types import ModuleType

from ganexp.config.errors import ConfigError


def optuna() -> ModuleType:
    """Return Optuna without its log of trials and its warnings about what is experimental.

    Raises:
        ConfigError: It is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("a search needs Optuna", "search", hint="pip install 'ganexp[search]'")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
