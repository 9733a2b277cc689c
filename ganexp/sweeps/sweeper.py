"""Hydra's sweeper for ``-m``: the same command, given again, runs what is missing, on any launcher."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper as HydraSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from ganexp.config.build import build, check_value
from ganexp.config.compose import plain, quote
from ganexp.config.errors import ConfigError
from ganexp.runs.jobs import Job, known_jobs
from ganexp.runs.records import Searched
from ganexp.sweeps import closing, estimate
from ganexp.sweeps.launchers.slurm.queue import states_of
from ganexp.sweeps.plan import check_swept, is_a_runs, plan_jobs, resolved, sweep_folder
from ganexp.sweeps.record import describe_sweep, make_folder
from ganexp.sweeps.supervisor import Launch, Supervisor, Task, listening, stopped_by


class Sweeper(HydraSweeper):
    """Plan the jobs of a command, leave out what is done or under way, and hand the rest to the launcher."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra gives; the launcher is made when it is known what it launches."""
        self._context, self._config = hydra_context, config

    def sweep(self, arguments: list[str]) -> None:
        """Run a sweep, or a search, or say what it would run; end the process with a status that says whether all is well.

        Raises:
            ConfigError: The command cannot run.
            HydraException: A combination cannot be composed.
        """
        config = self._config
        for option in ("retry", "dry_run"):
            check_value(config.sweep[option], bool, f"sweep.{option}")
        overrides = OverridesParser.create(self._context.config_loader).parse_overrides(arguments)
        check_swept(overrides)
        folder = sweep_folder(config, overrides).absolute()
        launch = Launch(flags=_flags(config), echo=self._choice == "basic", retry=config.sweep.retry)
        runs = [override for override in overrides if is_a_runs(override)]
        if config.get("search"):
            self._search(folder, runs, launch)
        else:
            self._sweep(folder, runs, launch)

    def _sweep(self, folder: Path, runs: Sequence[Override], launch: Launch) -> None:
        """Run all combinations of what varies."""
        config = self._config
        swept = {override.key_or_group for override in runs if override.is_sweep_override()}
        jobs = plan_jobs(self._compose, folder, _combinations(runs), swept)
        states = states_of(jobs)
        missing = [job for job in jobs if states[job.name] in _missing(launch.retry)]
        launcher = self._launcher(Supervisor(missing, launch), folder)
        print(closing.opening(folder, states, launch.retry, estimate.place(launcher, self._choice)), flush=True)
        if config.sweep.dry_run:
            print(estimate.estimate(jobs, missing, launch, launcher, self._compose), flush=True)
            _exit(good=True)
            return
        before = closing.Before.of(folder)
        make_folder(folder)
        describe_sweep(folder, config, swept, self._choice)
        for job in missing:
            job.note(status="waiting", reason=None, flags=list(launch.flags))
        self._launch(launcher, before, [job.overrides for job in missing], missing)
        closing.close(before, jobs)
        _exit(good=set(states_of(jobs).values()) <= {"finished", "running", "queued"})

    def _search(self, folder: Path, runs: Sequence[Override], launch: Launch) -> None:
        """Let workers ask a study for one trial after the other."""
        from ganexp.sweeps.search.outcome import best_trials, outcome  # the extra that these need may be missing
        from ganexp.sweeps.search.plan import plan
        from ganexp.sweeps.search.space import alternatives
        from ganexp.sweeps.search.space import overrides as chosen
        from ganexp.sweeps.search.study import create, ended, load
        from ganexp.sweeps.search.worker import Worker

        config = self._config
        swept = {
            override.get_key_element(): str(override.input_line).partition("=")[2] for override in runs if _varies(override)
        }
        given = [str(override.input_line) for override in runs if not _varies(override)]
        search = plan(folder, plain(config.search), swept, given, lambda line: resolved(self._compose(line)))
        launcher = self._launcher(Worker(search, launch), folder)
        before = closing.Before.of(folder)
        if not config.sweep.dry_run:
            make_folder(folder)
            try:
                create(search, launch.retry)
            except ConfigError:
                before.restore([])
                raise
        trials, done = search.options.trials, ended(search)
        workers = max(0, min(search.options.workers, trials - done))
        print(closing.opening_search(folder, trials, done, workers, estimate.place(launcher, self._choice)), flush=True)
        if config.sweep.dry_run:
            first = {key: values[0] for key, values in alternatives(search.space).items()}
            example = Job(folder, "a trial", (*search.overrides, *chosen(first)), "")
            missing = [example] * (trials - done)
            print(estimate.estimate(known_jobs(folder), missing, launch, launcher, self._compose, workers), flush=True)
            _exit(good=True)
            return
        describe_sweep(
            folder, config, search.options.space, self._choice,
            Searched(search.objectives, trials, search.options.value),
        )  # fmt: skip
        self._launch(launcher, before, [search.overrides] * workers, [])
        # Before the end is told: where nothing began, the study is not there afterwards.
        good = bool(best_trials(load(folder, search.options.storage))) and ended(search) >= trials
        closing.close(before, known_jobs(folder), outcome(search, launch.flags))
        _exit(good)

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        """Return the configuration of a run, with Hydra's part.

        Raises:
            HydraException: It cannot be composed.
        """
        composed: DictConfig = self._context.config_loader.load_sweep_config(self._config, list(overrides))
        return composed

    @property
    def _choice(self) -> str:
        """The launcher's name: of the group ``launcher``, or else of Hydra's own."""
        choices = self._config.hydra.runtime.choices
        return str(choices["hydra/launcher"] if self._config.get("launcher") is None else choices["launcher"])

    def _launcher(self, task: Task, folder: Path) -> Any:
        config = self._config
        config.hydra.sweep.dir = str(folder)  # where launchers put what they need
        if config.get("launcher") is None:
            return Plugins.instance().instantiate_launcher(hydra_context=self._context, task_function=task, config=config)
        launcher = build(plain(config.launcher), "launcher")
        launcher.setup(hydra_context=self._context, task_function=task, config=config)
        return launcher

    def _launch(self, launcher: Any, before: closing.Before, batch: Sequence[Sequence[str]], jobs: Sequence[Job]) -> None:
        """Have the launcher work, and see to it that no error of its own is lost; what becomes of jobs is in their records."""
        if not batch:
            return
        if self._choice != "basic":  # that one prints what runs print
            print(f"logs in {closing.relative(before.folder / 'jobs')}", flush=True)
        where = "hydra.sweep.dir=" + quote(str(before.folder))
        try:
            with listening():
                for returned in launcher.launch([[*overrides, where] for overrides in batch], initial_job_idx=0):
                    _ = returned.return_value  # raises what the supervisor raised, which is an error of this package
        except ConfigError:  # the launcher takes none of them
            before.restore(jobs)
            raise


def _exit(good: bool) -> None:
    """End the process unless all is well."""
    if (number := stopped_by()) is not None:
        sys.exit(128 + number)
    if not good:
        sys.exit(1)


def _varies(override: Override) -> bool:
    return bool(override.is_sweep_override())


def _missing(retry: bool) -> tuple[str, ...]:
    return ("new", "unfinished", "failed") if retry else ("new", "unfinished")


def _combinations(overrides: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of each run: every combination of what varies.

    Raises:
        ConfigError: Something varies continuously, which only a search can do, or over nothing.
    """
    for override in overrides:
        if override.is_sweep_override() and not override.is_discrete_sweep():
            hint = "a search takes it: add search=base"
            raise ConfigError("there is no end of values in it", str(override.key_or_group), hint=hint)
    empty = [override.key_or_group for override in overrides if _varies(override) and not any(override.sweep_string_iterator())]
    if empty:
        raise ConfigError("there is nothing of that kind", *empty)
    (combinations,) = BasicSweeper.split_arguments(list(overrides), None)
    return combinations


def _flags(config: DictConfig) -> tuple[str, ...]:
    """Return where a run finds the configurations that this command finds."""
    sources = [source.path for source in config.hydra.runtime.config_sources if source.provider == "command-line"]
    flags = [part for path in sources for part in ("--config-dir", path)]
    return (*flags, *(text for text in config.hydra.overrides.hydra if text.startswith("hydra.searchpath=")))
