"""The package's own sweeper, made known to Hydra, which takes plug-ins from ``hydra_plugins`` alone."""

import pkgutil

from hydra.core.plugins import Plugins

_PREFIX = "hydra_plugins."


def register(target: str) -> None:
    """Let Hydra find the class of the package that it is to call ``hydra_plugins.<name>``."""
    Plugins.instance().class_name_to_class[target] = pkgutil.resolve_name(target.removeprefix(_PREFIX))
