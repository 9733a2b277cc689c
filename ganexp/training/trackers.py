"""Loggers of experiment trackers: Weights & Biases and MLflow, which know a run by a name of theirs when it is resumed.

Contract: ``<run>/trackers.json`` says by which names; a run that continues continues the same run there. Nothing is asked of a
tracker before the run directory exists.
"""

import json
import os
import secrets
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import MLFlowLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from ganexp.config.errors import ConfigError
from ganexp.runs.files import read_inside, write_json
from ganexp.training.loggers import Place

_FILE = "trackers.json"
_BYTES = 10_000


class WandB(WandbLogger):
    """Weights & Biases: curves, pictures, configuration and result; its files are in the folder ``wandb`` of the run.

    Arguments:
        place: The run's folder.
        project: Where the run is filed.
        name: What it is called; by default its folder.
        entity: Whose project it is; by default the user's.
        group: What it belongs to, such as a sweep.
        tags: Words by which it is found.
        offline: Whether it is only kept on this machine, for ``wandb sync``.

    Raises:
        ConfigError: The package is not installed.
    """

    def __init__(
        self,
        place: Place,
        project: str = "ganexp",
        name: str | None = None,
        entity: str | None = None,
        group: str | None = None,
        tags: list[str] | None = None,
        offline: bool = False,
    ) -> None:
        _check_installed("wandb")
        self._folder = place.folder
        known = _known(place.folder).get("wandb", {})
        super().__init__(
            name=name or _name(place.folder),
            save_dir=place.folder,
            id=known.get("id") or secrets.token_hex(8),
            project=project,
            offline=offline,
            entity=entity,
            group=group,
            tags=tags,
        )

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """W&B's run, whose name is kept as it begins."""
        began = self._experiment is None
        found = super().experiment
        if began:
            _keep(self._folder, "wandb", {"id": self._id})
        return found


class MLflow(MLFlowLogger):
    """MLflow: curves, pictures, configuration and result.

    Arguments:
        place: The run's folder.
        experiment: Where the run is filed.
        name: What it is called; by default its folder.
        tracking_uri: The server, or a store such as ``sqlite:///mlflow.db`` or ``file:mlruns``; by default that of the variable
            MLFLOW_TRACKING_URI, or else the folder ``mlruns`` of the working directory.
        tags: What else is noted of it.

    Raises:
        ConfigError: The package is not installed.
    """

    def __init__(
        self,
        place: Place,
        experiment: str = "ganexp",
        name: str | None = None,
        tracking_uri: str | None = None,
        tags: dict[str, Any] | None = None,
    ) -> None:
        _check_installed("mlflow")
        self._folder = place.folder
        known = _known(place.folder).get("mlflow", {})
        there = tracking_uri or known.get("uri") or os.environ.get("MLFLOW_TRACKING_URI") or f"file:{Path('mlruns').absolute()}"
        super().__init__(
            experiment, run_name=name or _name(place.folder), tracking_uri=there, tags=tags, run_id=known.get("id")
        )  # fmt: skip

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """MLflow's client, whose run is kept as it begins."""
        began = not self._initialized
        found = super().experiment
        if began:
            _keep(self._folder, "mlflow", {"id": self._run_id, "uri": self._tracking_uri})
        return found

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log values: a store of files takes ``loss/d/penalty`` and ``loss/d`` only as ``loss/d.penalty`` and ``loss/d``."""
        super().log_metrics({_two_levels(tag): value for tag, value in metrics.items()}, step)


def _two_levels(tag: str) -> str:
    family, slash, name = tag.partition("/")
    return f"{family}{slash}{name.replace('/', '.')}"


def _check_installed(package: str) -> None:
    if find_spec(package) is None:
        raise ConfigError(f"{package} cannot be imported", f"logger.{package}", hint=f"pip install 'ganexp[{package}]'")


def _name(folder: Path) -> str:
    return "/".join(folder.parts[-2:])


def _known(folder: Path) -> dict[str, Any]:
    """Return what trackers call the run; nothing where it is new, or the file is damaged."""
    try:
        content = json.loads(read_inside(folder, _FILE, _BYTES))
    except (OSError, ValueError):
        return {}
    return {str(key): value for key, value in content.items() if isinstance(value, dict)} if isinstance(content, dict) else {}


def _keep(folder: Path, tracker: str, names: dict[str, Any]) -> None:
    write_json(folder / _FILE, _known(folder) | {tracker: names})
