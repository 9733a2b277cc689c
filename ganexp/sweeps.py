"""What surrounds the runs of a sweep."""

import json
import shlex
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from ganexp.config import file_name
from ganexp.runs import remove_empty
from ganexp.values import is_headline, text


class Sweep(Callback):
    """Remember where the sweep of this process is, to close it however it ends: Hydra tells nobody when jobs fail."""

    folder: ClassVar[Path | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Note the folder before Hydra makes it."""
        Sweep.folder = Path(config.hydra.sweep.dir)

    @classmethod
    def close(cls) -> None:
        """Print a line per run and TensorBoard's command; remove the folder of a sweep in which nothing began."""
        if cls.folder is None or not cls.folder.is_dir():
            return
        runs = sorted(path.parent for path in cls.folder.glob("*/.hydra"))
        if not runs:
            (cls.folder / "multirun.yaml").unlink(missing_ok=True)
            remove_empty(cls.folder)
            return
        width = max(len(run.name) for run in runs)
        print()
        for run in runs:
            print(f"{run.name:<{width}}  {_outcome(run)}")
        print(f"\n{len(runs)} runs in {cls.folder}\ncompare: tensorboard --logdir {shlex.quote(str(cls.folder))}", flush=True)


def task_overrides(hydra: Any) -> list[str]:
    """Return the overrides of a run as they were typed: what they refer to by ``${}`` is not in Hydra's part."""
    overrides = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    assert isinstance(overrides, list)
    return [str(override) for override in overrides]


def run_name(hydra: Any) -> str:
    """Return a name for one run of a sweep: its overrides, without those that all runs of the sweep share."""
    parser = OverridesParser.create()
    chosen = [override for override in task_overrides(hydra) if not override.startswith("resume=")]
    record = Path(hydra.sweep.dir) / "multirun.yaml"
    swept = set()
    if record.is_file():
        command = task_overrides(OmegaConf.load(record).hydra)
        swept = {override.key_or_group for override in parser.parse_overrides(list(command)) if override.is_sweep_override()}
    pairs = zip(chosen, parser.parse_overrides(chosen), strict=True)
    varying = [text.lstrip("+") for text, override in pairs if not swept or override.key_or_group in swept]
    return file_name(",".join(varying) or "default")


def _outcome(run: Path) -> str:
    file = run / "summary.json"
    if not file.is_file():
        return "failed"
    summary = json.loads(file.read_text())
    metrics = "  ".join(f"{name} {text(value)}" for name, value in summary["metrics"].items() if is_headline(name))
    verdict = summary["health"]["verdict"] if summary["health"] else ""
    return f"{summary['status']:<8}  {verdict:<9}  {metrics}"
