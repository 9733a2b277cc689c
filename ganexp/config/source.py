"""YAML files as Hydra reads them, each refused by name where it cannot mean what its author meant."""

import os
import pickle
from pathlib import Path

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ganexp.config.errors import ConfigError

_MARK = "\ufeff"

# What each file held, by path, beside what shows that it is as it was. A sweep composes each run's configuration from the same
# thirty files, and unpickling takes a tenth of the time of parsing.
_read: dict[str, tuple[tuple[int, ...], bytes]] = {}


class CheckedSource(FileConfigSource):
    """A folder of YAML files.

    Hydra shows a traceback where a file does not parse, and says nothing of a list in place of options, or of a first line that
    an invisible byte order mark keeps from being read. What was read is not parsed again while its file stays as it was.
    """

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the content of a file.

        Raises:
            ConfigError: It is not text in UTF-8, not YAML, or holds no options.
        """
        path = Path(self.path, self._normalize_file_name(config_path))
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return self._load(path, config_path)  # which says why
        state, key = (status.st_ino, status.st_size, status.st_mtime_ns), os.path.abspath(path)
        if key not in _read or _read[key][0] != state:
            _read[key] = (state, pickle.dumps(self._load(path, config_path)))
        result: ConfigResult = pickle.loads(_read[key][1])
        result.provider = self.provider
        return result

    def _load(self, path: Path, config_path: str) -> ConfigResult:
        try:
            if path.is_file() and path.read_text("utf-8").startswith(_MARK):
                raise ConfigError("begins with a byte order mark", str(path), hint="save it as UTF-8 without one")
            result = super().load_config(config_path)
        except UnicodeDecodeError as error:
            raise ConfigError(f"is not UTF-8, at byte {error.start:,}", str(path), hint="save it as UTF-8") from error
        except yaml.YAMLError as error:
            raise ConfigError(_problem(error), str(path)) from error
        except (OmegaConfBaseException, OSError, RecursionError, ValueError) as error:
            if isinstance(error, ConfigError):
                raise
            text = str(error).strip() or type(error).__name__
            raise ConfigError(f"cannot be read: {text.splitlines()[0]}", str(path)) from error
        if not isinstance(result.config, DictConfig):
            raise ConfigError("should hold options, as key: value, not a list", str(path))
        content = OmegaConf.to_container(result.config, resolve=False)
        assert isinstance(content, dict)
        if list(content.values()) == [None] and ":" not in path.read_text("utf-8"):  # OmegaConf takes a word for a key
            raise ConfigError("should hold options, as key: value, not text", str(path))
        defaults = content.get("defaults", [])
        if not isinstance(defaults, list) or not all(isinstance(entry, str | dict) for entry in defaults):
            raise ConfigError("defaults should be a list of choices, as - override /loss: hinge", str(path))
        return result


def register_source() -> None:
    """Let Hydra read files like this."""
    Plugins.instance()  # registers Hydra's own
    SourcesRegistry.instance().types[CheckedSource.scheme()] = CheckedSource


def _problem(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark else problem
