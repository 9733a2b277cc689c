"""Hydra's sweeper for ``-m``: the same command, given again, runs what is missing, on any launcher."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper as HydraSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from ganexp.comparison.words import relative
from ganexp.config.build import build, check_value
from ganexp.config.compose import flags, plain
from ganexp.config.errors import ConfigError
from ganexp.runs.jobs import Job, known_jobs
from ganexp.runs.records import Searched
from ganexp.sweeps import messages
from ganexp.sweeps.estimate import estimate
from ganexp.sweeps.folder import Before, describe_sweep, make_folder
from ganexp.sweeps.launchers import Launcher, states_of
from ganexp.sweeps.launchers.hydras import HydraLauncher
from ganexp.sweeps.plan import check_swept, is_a_runs, plan_jobs, resolved, sweep_folder
from ganexp.sweeps.supervisor import Launch, Supervisor, forget, listening, stopped_by


class Sweeper(HydraSweeper):
    """Plan the jobs of a command, leave out what is done or under way, and hand the rest to the launcher.

    Attributes:
        ended: Called with the folder and the exit status when all has been done.
    """

    ended: Callable[[Path, int], None]

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra gives."""
        self._context, self._config = hydra_context, config

    def sweep(self, arguments: list[str]) -> None:
        """Run a sweep, or a search, or say what it would run.

        Raises:
            ConfigError: The command cannot run.
            HydraException: A combination cannot be composed.
        """
        forget()
        config = self._config
        for option in ("retry", "dry_run"):
            check_value(config.sweep[option], bool, f"sweep.{option}")
        overrides = OverridesParser.create(self._context.config_loader).parse_overrides(arguments)
        check_swept(overrides)
        folder = sweep_folder(config, overrides).absolute()
        runs = [override for override in overrides if is_a_runs(override)]
        if config.get("search"):
            self._search(folder, runs)
        else:
            self._sweep(folder, runs)

    def _sweep(self, folder: Path, runs: Sequence[Override]) -> None:
        """Run all combinations of what varies."""
        config = self._config
        swept = {override.key_or_group for override in runs if override.is_sweep_override()}
        jobs = plan_jobs(self._compose, folder, _combinations(runs), swept)
        states = states_of(jobs)
        launcher, launch = self._launcher()
        open_states = {"new", "unfinished", "failed"} if launch.retry else {"new", "unfinished"}
        missing = [job for job in jobs if states[job.name] in open_states]
        launcher.setup(Supervisor(missing, launch), folder)
        print(messages.opening(folder, states, launch.retry, launcher.describe()), flush=True)
        if config.sweep.dry_run:
            print(estimate(jobs, missing, launch, launcher, self._compose), flush=True)
            self._end(folder, good=True)
            return
        before = Before.of(folder)
        make_folder(folder)
        describe_sweep(folder, config, swept, self._choice)
        for job in missing:
            job.note(status="waiting", reason=None, flags=list(launch.flags))
        _launch(launcher, before, [job.overrides for job in missing], missing)
        messages.close(before, jobs, launcher)
        self._end(folder, good=set(states_of(jobs).values()) <= {"finished", "running", "queued"})

    def _search(self, folder: Path, runs: Sequence[Override]) -> None:
        """Let workers ask a study for one trial after the other."""
        from ganexp.sweeps.search import outcome, plan, space, study, worker  # the extra that these need may be missing

        config = self._config
        varying = [override for override in runs if override.is_sweep_override()]
        swept = {override.get_key_element(): str(override.input_line).partition("=")[2] for override in varying}
        given = [str(override.input_line) for override in runs if override not in varying]
        search = plan.plan(folder, plain(config.search), swept, given, lambda line: resolved(self._compose(line)))
        launcher, launch = self._launcher()
        launcher.setup(worker.Worker(search, launch), folder)
        before = Before.of(folder, search.options.storage)
        if not config.sweep.dry_run:
            make_folder(folder)
            try:
                study.create(search, launch.retry)
            except ConfigError:
                before.restore([])
                raise
        trials, done = search.options.trials, study.ended(search)
        workers = max(0, min(search.options.workers, trials - done))
        print(messages.opening_search(folder, trials, done, workers, launcher.describe()), flush=True)
        if config.sweep.dry_run:
            first = {key: values[0] for key, values in space.alternatives(search.space).items()}
            example = Job(folder, "a trial", (*search.overrides, *space.overrides(first)), "")
            missing = [example] * (trials - done)
            print(estimate(known_jobs(folder), missing, launch, launcher, self._compose, workers), flush=True)
            self._end(folder, good=True)
            return
        searched = Searched(search.objectives, trials, search.options.value)
        describe_sweep(folder, config, search.options.space, self._choice, searched)
        _launch(launcher, before, [search.overrides] * workers, [])
        # Before the closing message: where nothing began, the study is not there afterwards.
        good = bool(outcome.best_trials(study.load(folder, search.options.storage))) and study.ended(search) >= trials
        messages.close(before, known_jobs(folder), launcher, outcome.outcome(search, launch.flags))
        self._end(folder, good)

    def _end(self, folder: Path, good: bool) -> None:
        """Report where the sweep is, and the status that a process of it would end with: 0, if all is well."""
        number = stopped_by()
        self.ended(folder, 128 + number if number is not None else int(not good))

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        """Return the configuration of a run, with Hydra's part.

        Raises:
            HydraException: It cannot be composed.
        """
        return self._context.config_loader.load_sweep_config(self._config, list(overrides))

    @property
    def _choice(self) -> str:
        """The launcher's name: of the group ``launcher``, or else of Hydra's own."""
        choices = self._config.hydra.runtime.choices
        return str(choices["hydra/launcher"] if self._config.get("launcher") is None else choices["launcher"])

    def _launcher(self) -> tuple[Launcher, Launch]:
        """Return what runs the jobs, and how they are started."""
        config = self._config
        own = config.get("launcher") is not None
        launcher: Launcher = build(plain(config.launcher), "launcher") if own else HydraLauncher(self._context, config)
        return launcher, Launch(tuple(flags(config.hydra)), echo=launcher.echoes, retry=config.sweep.retry)


def register(ended: Callable[[Path, int], None] | None = None) -> None:
    """Make the sweeper known to Hydra, which takes plug-ins from ``hydra_plugins`` alone.

    Arguments:
        ended: Called with the folder and the exit status when a sweep has ended.
    """
    # Hydra makes the sweeper from the name of its class, so what it is to call belongs to the class.
    Sweeper.ended = staticmethod(ended or (lambda folder, status: None))
    Plugins.instance().class_name_to_class[f"hydra_plugins.{Sweeper.__module__}.{Sweeper.__qualname__}"] = Sweeper


def _launch(launcher: Launcher, before: Before, lines: Sequence[Sequence[str]], jobs: Sequence[Job]) -> None:
    """Have the launcher work; what becomes of jobs is in their records."""
    if not lines:
        return
    if not launcher.echoes:
        print(f"logs in {relative(before.folder / 'jobs')}", flush=True)
    try:
        with listening():
            launcher.launch(lines)
    except ConfigError:  # the launcher takes none of them
        before.restore(jobs)
        raise


def _combinations(overrides: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of each run: every combination of what varies.

    Raises:
        ConfigError: Something varies continuously, which only a search can do, or over nothing.
    """
    for override in overrides:
        if override.is_sweep_override() and not override.is_discrete_sweep():
            hint = "add search=base to search an interval"
            raise ConfigError("a sweep needs a finite number of values", str(override.key_or_group), hint=hint)
        if override.is_sweep_override() and not any(override.sweep_string_iterator()):
            raise ConfigError("this sweeps over no value", str(override.key_or_group))
    (combinations,) = BasicSweeper.split_arguments(list(overrides), None)
    return combinations
