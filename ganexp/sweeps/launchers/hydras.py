"""Hydra's own launchers, and those of its plug-ins, which ``hydra/launcher=<name>`` chooses."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig

from ganexp.config.compose import quote
from ganexp.sweeps.launchers import Launcher
from ganexp.sweeps.supervisor import Task


class HydraLauncher(Launcher):
    """Let a launcher of Hydra's do the work.

    Arguments:
        context: What Hydra gives its plug-ins.
        config: The configuration of the command, with Hydra's part.
    """

    def __init__(self, context: HydraContext, config: DictConfig) -> None:
        self.context, self.config = context, config
        self.name = str(config.hydra.runtime.choices["hydra/launcher"])
        self.echoes = self.name == "basic"

    def setup(self, task: Task, folder: Path) -> None:
        """Make the launcher."""
        super().setup(task, folder)
        self.config.hydra.sweep.dir = str(folder)
        plugins = Plugins.instance()
        self._launcher = plugins.instantiate_launcher(hydra_context=self.context, task_function=task, config=self.config)

    def describe(self) -> str:
        """Return where the runs are, in words; launchers of plug-ins do not say it."""
        return "one at a time on this machine" if self.echoes else f"launched by {self.name}"

    def launch(self, lines: Sequence[Sequence[str]]) -> None:
        """Do the work; what the launcher makes of this package's errors is raised."""
        where = "hydra.sweep.dir=" + quote(str(self.folder))
        for returned in self._launcher.launch([[*line, where] for line in lines], initial_job_idx=0):
            _ = returned.return_value
