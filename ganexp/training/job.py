"""One run, from a composed configuration to its end. Imports nothing heavy before the run needs it."""

import ctypes
import json
import os
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from ganexp.config import compose as configuration
from ganexp.config.classes import Trust, admit
from ganexp.config.errors import ConfigError
from ganexp.config.keys import source
from ganexp.config.refusals import PREFIX, explain_refusal, stated
from ganexp.config.shortage import explain_shortage
from ganexp.runs.resumed import REPEAT, command
from ganexp.runs.run import Run
from ganexp.runs.saved import FLAGS, check_resolved, flags

if TYPE_CHECKING:
    from ganexp.runs.records import Summary
    from ganexp.training.components import Components

TERSE = "GANEXP_TERSE"
"""Environment variable that is set while errors are reported in one message, without a traceback."""

DIRECTORY = "GANEXP_DIRECTORY"
"""Environment variable with the directory of a new run, in place of one below ``output_dir``."""

PARENT = "GANEXP_PARENT"
"""Environment variable with the number of the process without which this one is to stop."""

SOURCE = "GANEXP_SOURCE"
"""Environment variable with what :func:`ganexp.config.keys.source` returned when the run's sweep was planned."""

CALLBACKS = "GANEXP_CALLBACKS"
"""Environment variable with callbacks that the process which started the run adds to its own: nodes by name, as JSON."""

_NUMBER = re.compile(r"(\w+_)?(RANK|PROCID)")  # variables in which launchers of several processes number them

_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl.h


@dataclass(frozen=True)
class Ended:
    """What became of a run.

    Attributes:
        run: The run.
        summary: Its summary; None in all processes but the first, which speaks for all.
        began: Whether anything was trained; False where the run had spent its budget before.
        kept: Whether its directory is still there.
    """

    run: Run
    summary: "Summary | None"
    began: bool
    kept: bool


def job(cfg: DictConfig, resumed: Run | None = None) -> None:
    """Run the experiment that ``cfg`` describes as a command line; called by Hydra.

    The process exits with status 2 if the run was refused, 1 if it diverged or was stopped by an alarm or because something ran
    out, 128 + n if a signal stopped it.

    Arguments:
        cfg: The configuration.
        resumed: The run that is continued; None begins one.
    """
    status, run = 0, resumed

    def begin(begun: Run) -> None:
        nonlocal run
        run = begun

    try:
        if summary := (ended := work(cfg, resumed, begin)).summary:
            from ganexp.training.summary import table

            spent = "" if ended.began else "The run has spent its budget: nothing was changed.\n"
            print(f"\n{spent}{table(summary, ended.kept)}", flush=True)
            status = summary.exit_status
    except Exception as error:
        if TERSE not in os.environ:
            raise
        message, status = f"{PREFIX}{error}" if isinstance(error, ConfigError) else None, 2
        if message is None:
            message, status = explain_shortage(error, *_what_is_safe(run)), 1
        if message is None:
            raise
        print(message, file=sys.stderr, flush=True)
    if status:
        sys.exit(status)


def work(cfg: DictConfig, resumed: Run | None = None, begin: Callable[[Run], None] | None = None) -> Ended:
    """Run the experiment that ``cfg`` describes; called by Hydra.

    Arguments:
        cfg: The configuration.
        resumed: The run that is continued; None begins one.
        begin: Is told the run before anything is done in its directory.

    Raises:
        ConfigError: It cannot run; the message names the settings at fault.
    """
    try:
        config, run = _prepare(cfg, resumed)
        if begin is not None:
            begin(run)
        return _run(cfg, config, run, resumes=resumed is not None)
    except Exception as error:
        message = explain_refusal(error, cfg, {"resume": str(resumed.path)} if resumed else {})
        if message is None:
            raise
        raise stated(error, message) from error


def _what_is_safe(run: Run | None) -> tuple[str, str]:
    """Return what is safe when something has run out, and what goes on."""
    if run is None or not run.exists:
        return "Nothing was begun.", shlex.join(["python", "-m", "ganexp", *task_overrides()])
    saved = next(iter(run.checkpoints), None)
    return f"{saved} is complete." if saved else "No checkpoint had been saved yet.", command(run.path)


def report_briefly() -> None:
    """Have errors reported in one message, in this process and in those that it starts, unless tracebacks are asked for."""
    if os.environ.get("HYDRA_FULL_ERROR") != "1":
        # Hydra would print errors itself, with part of a traceback; like this it hands them over.
        os.environ["HYDRA_FULL_ERROR"] = os.environ[TERSE] = "1"


def stop_with_parent() -> None:
    """Have the system send SIGTERM when the process that supervises this one dies, where the system can."""
    if os.environ.get(PARENT) == str(os.getppid()) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_OF_PARENT, signal.SIGTERM)


def task_overrides() -> list[str]:
    """Return the present overrides as they were typed: what they refer to by ``${}`` is not in Hydra's part."""
    overrides = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    assert isinstance(overrides, list)
    return [str(override) for override in overrides]


def _prepare(cfg: DictConfig, resumed: Run | None) -> tuple[dict[str, Any], Run]:
    """Return the resolved configuration and the run, whose directory is checked or locked."""
    if resumed is not None:
        config = configuration.own(configuration.plain(cfg)) | {"resume": None}
        _check_trusted(config)
        if is_first_process():
            resumed.occupy()
        return config, resumed
    config = configuration.complete(cfg, cfg.get("choices") or configuration.choices_of(HydraConfig.get())) | {REPEAT: None}
    if cfg.get(REPEAT) is not None:
        _check_trusted(config)
    _check_single(cfg)
    _check_planned(cfg)
    run = Run(os.environ.get(DIRECTORY) or _folder(config))
    run.check_new()
    return config, run


def _run(cfg: DictConfig, config: dict[str, Any], run: Run, resumes: bool) -> Ended:
    """Train in the run's directory, or in one that is gone afterwards."""
    if not _leaves_nothing(config):
        return _train(cfg, config, run)
    if is_first_process() and (resumes or DIRECTORY in os.environ):
        raise ConfigError("this only shows that a new run works", "trainer.fast_dev_run", hint="leave it out")
    with tempfile.TemporaryDirectory(prefix="ganexp-") as folder:
        return _train(cfg, config, run if resumes else Run(Path(folder, run.path.name)))


def _train(cfg: DictConfig, config: dict[str, Any], run: Run) -> Ended:
    """Build what the configuration describes, and train it in the directory of a run."""
    overrides = [override for override in task_overrides() if not override.startswith("resume=")]
    config[FLAGS] = configuration.flags(HydraConfig.get()) or flags(config)
    if isinstance(config.get("callbacks"), dict):
        config["callbacks"] |= json.loads(os.environ.get(CALLBACKS, "{}"))
    from ganexp.config.hardware import cpu_threads  # imports torch: 2 s
    from ganexp.training.components import build_components

    components = build_components(config)
    with cpu_threads(config["trainer"].get("threads")):
        return _assembled(cfg, config, run, components, overrides)


def _assembled(cfg: DictConfig, config: dict[str, Any], run: Run, components: "Components", overrides: list[str]) -> Ended:
    """Give the run its budget, assemble it, and train it."""
    repeated = None if cfg.get(REPEAT) is None else Run(cfg[REPEAT])
    # The iterations that a time was worth are those of the run that is repeated.
    planned = _plan(config, components, overrides, new=not run.exists and repeated is None)
    overrides = [*(repeated.overrides if repeated else []), *overrides]
    if is_first_process() and (found := components.game.data.found):
        print(f"ganexp: {found}", file=sys.stderr, flush=True)

    from ganexp.training.experiment import assemble  # imports Lightning: 4 s more
    from ganexp.training.train import finished, train

    experiment = assemble(config, run, components)
    if is_first_process() and experiment.inherited:
        print(f"ganexp: {experiment.inherited}", file=sys.stderr, flush=True)
    if is_first_process() and (summary := finished(experiment)):  # to the others, the first one has saved its new budget
        return Ended(run, summary, began=False, kept=True)
    written = configuration.own(configuration.plain(cfg, resolve=False)) | {
        key: config[key] for key in ("resume", REPEAT, "name", "choices", FLAGS)
    }
    written["trainer"] |= planned
    summary = train(experiment, overrides, written)
    # The first process speaks for all: it would take another status for a crash, and be killed.
    return Ended(run, summary if experiment.trainer.is_global_zero else None, began=True, kept=not _leaves_nothing(config))


def _plan(config: dict[str, Any], components: "Components", overrides: list[str], new: bool) -> dict[str, int | None]:
    """Turn a budget of time into iterations, in the configuration; return what changed in its ``trainer`` node.

    A run that is resumed keeps the number that was found when it began, unless it is given another budget.

    Raises:
        ConfigError: The time cannot be read, or another budget is given, too.
    """
    typed = {override.lstrip("+~").partition("=")[0] for override in overrides}
    if config.get("budget") is None or not is_first_process() or not (new or "budget" in typed):
        return {}
    from ganexp.config.types import seconds  # imports pydantic

    budget = seconds(config["budget"], "budget")
    if others := sorted(typed & {"trainer.max_epochs", "trainer.max_iterations", "trainer.max_time"}):
        raise ConfigError("give one budget, not two", "budget", *others)
    if _leaves_nothing(config):
        return {}
    from ganexp.training.planning import plan  # imports Lightning

    iterations, found = plan(config, components, budget)
    print(f"ganexp: budget={config['budget']} is {found}", file=sys.stderr, flush=True)
    planned: dict[str, int | None] = {"max_epochs": None, "max_iterations": iterations}
    config["trainer"] |= planned
    return planned


def _check_trusted(config: dict[str, Any]) -> None:
    """Refuse to build what a saved run asks for and is not trusted with.

    Raises:
        ConfigError: It names what is not part of ganexp, or what would be read as a reference.
    """
    trust = Trust().and_from(os.environ)
    if not trust.everything:
        check_resolved(config)
    admit(config, trust)


def _leaves_nothing(config: dict[str, Any]) -> bool:
    """Return whether the run only shows that it works."""
    trainer = config.get("trainer")
    return isinstance(trainer, dict) and bool(trainer.get("fast_dev_run"))


def _check_single(cfg: DictConfig) -> None:
    """Refuse what concerns many runs: one would ignore it.

    Raises:
        ConfigError: Such an option is set.
    """
    asked = [group for group in ("launcher", "search") if cfg.get(group) is not None]
    sweep = cfg.get("sweep")
    asked += [f"sweep.{option!s}" for option, value in sweep.items() if value] if isinstance(sweep, DictConfig) else []
    if asked:
        raise ConfigError("this applies to sweeps, not to a single run", *asked, hint="add -m")


def _check_planned(cfg: DictConfig) -> None:
    """Refuse to train by other files than those by which the sweep knows the run.

    Raises:
        ConfigError: They have changed.
    """
    planned = os.environ.get(SOURCE)
    if planned is not None and source(cfg) != planned:
        raise ConfigError("the configuration has changed since the sweep was planned", hint="give the same command again")


def is_first_process() -> bool:
    """Return whether this is not one of the processes that another one of the same run has started."""
    return all(value == "0" for name, value in os.environ.items() if _NUMBER.fullmatch(name))


def _folder(config: dict[str, Any]) -> Path:
    return Path(config["output_dir"]) / configuration.file_name(config["name"]) / configuration.stamp()
