"""One run, from a composed configuration to its end. Imports nothing heavy before the run needs it."""

import os
import sys
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ganexp import config as configuration
from ganexp.refusals import Told, explain_refusal
from ganexp.runs import Run
from ganexp.sweeps import run_name, task_overrides

TERSE = "GANEXP_TERSE"
"""Environment variable that is set while errors are told in one message, without a traceback."""


def job(cfg: DictConfig) -> None:
    """Run the experiment that ``cfg`` describes; called by Hydra, once per run, in whatever process that is.

    Raises:
        Told: The run is one of a sweep and was refused, diverged or was stopped by an alarm. A single run exits with status 2
            (refused) or 1 instead.
    """
    sweeping = HydraConfig.get().mode == RunMode.MULTIRUN
    try:
        status = _run(cfg, sweeping)
    except Exception as error:
        message = explain_refusal(error, cfg)
        if message is None or TERSE not in os.environ:
            raise
        print(message, file=sys.stderr, flush=True)
        if sweeping:
            raise Told(message) from error
        sys.exit(2)
    if status == 1 and sweeping:
        raise Told("a run diverged, or was stopped because it was not healthy")
    if status:
        sys.exit(status)


def _run(cfg: DictConfig, sweeping: bool) -> int:
    hydra = HydraConfig.get()
    overrides = [override for override in task_overrides(hydra) if not override.startswith("resume=")]
    if cfg.resume:
        run, config = Run(cfg.resume), configuration.plain(cfg) | {"resume": None}
    else:
        config = configuration.complete(cfg, hydra.runtime.choices)
        run = Run(_folder(config, sweeping))
        run.check_new()

    from ganexp.experiment import assemble  # imports torch: 2 s

    experiment = assemble(config)

    from ganexp.summary import table
    from ganexp.train import prepare, train  # imports Lightning: 4 s more

    training = prepare(experiment, run)
    source = configuration.plain(cfg, resolve=False) | {key: config[key] for key in ("resume", "name", "choices")}
    summary = train(training, overrides, source)
    if not training.trainer.is_global_zero:
        return 0  # the first process speaks for all; it would take another status for a crash, and be killed
    print(f"\n{table(summary)}", flush=True)
    return int(summary["exit_status"])


def _folder(config: dict[str, Any], sweeping: bool) -> Path:
    hydra = HydraConfig.get()
    if sweeping:
        return Path(hydra.sweep.dir) / run_name(hydra)
    return Path(config["output_dir"]) / configuration.file_name(config["name"]) / configuration.stamp()
