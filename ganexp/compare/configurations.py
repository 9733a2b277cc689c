"""Configurations of many runs, read fast: OmegaConf sees only the parts that refer to others."""

import re
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ganexp.config.compose import plain

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

_REFERENCE = "${"


def read(file: Path) -> dict[str, Any] | None:
    """Return the resolved configuration of a run, as :attr:`ganexp.runs.run.Run.config` does; None if the file is damaged.

    The resolvers of ``conf/`` have to be registered.
    """
    try:
        content = yaml.load(file.read_bytes(), Loader)
        if not isinstance(content, dict) or not isinstance(content.get("choices"), dict):
            return None
        # As text, it may name more than it refers to, which does no harm.
        texts = {key: str(value) for key, value in content.items() if _REFERENCE in str(value)}
        named = {word for text in texts.values() for word in re.findall(r"\w+", text)}
        part = {key: value for key, value in content.items() if key in texts or key in named}
        return content | plain(OmegaConf.create(part))
    except (OSError, ValueError, TypeError, yaml.YAMLError, OmegaConfBaseException):
        return None
