"""Optuna, which is an optional dependency, without what it says to people who program with it."""

import importlib.util
import warnings
from types import ModuleType

from ganexp.config.errors import ConfigError


def optuna() -> ModuleType:
    """Return Optuna with its voice lowered: neither every trial nor what it holds to be experimental reaches the user.

    Raises:
        ConfigError: It is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("a search needs Optuna", "search", hint="pip install 'ganexp[search]'")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
