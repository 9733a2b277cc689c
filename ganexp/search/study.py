"""The study of a search: its trials, shared by workers in any number of processes that may end at any moment.

Contract: trials are begun one at a time, under a lock, so that there are exactly as many as were asked for. A trial that is
running belongs to a worker; it is free again when that worker gives it back, or has died.
"""

import os
import random
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ganexp.build import refusal
from ganexp.errors import ConfigError
from ganexp.locks import is_held
from ganexp.search.optional import optuna
from ganexp.search.plan import Search
from ganexp.search.space import trial_name

if TYPE_CHECKING:
    import optuna as package
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

# What is noted of a trial. The name comes last: a trial without one was not begun.
NAME, WORKER, KILLS, STATUS, REASON = "name", "worker", "kills", "status", "reason"

TRIAL = "GANEXP_TRIAL"
"""Environment variable of a run that a pruner watches: which trial it is, as :mod:`ganexp.callbacks.trial` reads it."""

_ASKED, _FORGIVEN = "options", "forgiven"
_TURN = "study.lock"
_SAME = ("space", "objectives", "value", "seed", "fixed")  # options without which it would be another search
_MOST_KILLS = 2


def create(search: Search, retry: bool = False) -> None:
    """Create the study, or check that the one that is there is of the same search.

    Arguments:
        search: The search.
        retry: Whether trials that have failed are no longer counted, so that others are made in their place.

    Raises:
        ConfigError: It is of another one, or the storage cannot be used.
    """
    (search.folder / "workers").mkdir(parents=True, exist_ok=True)
    for lock in (search.folder / "workers").glob("*.lock"):
        if not is_held(lock):
            lock.unlink(missing_ok=True)
    with _turn(search.folder):
        if search.options.storage is None:
            _mend(_journal(search.folder))
        try:
            study = optuna().create_study(
                storage=_storage(search.folder, search.options.storage), load_if_exists=True,
                study_name=_name(search.folder, search.options.storage), directions=list(search.objectives.values()), **_bare(),
            )  # fmt: skip
        except Exception as error:  # of a database, its driver or a file system
            raise refusal(error, "search.storage") from error
        asked = {key: getattr(search.options, key) for key in _SAME}
        before = study.user_attrs.get(_ASKED, asked)
        for key in _SAME:
            if before[key] != asked[key]:
                hint = f"there it is {before[key]}; choose another name for this one, such as name=second"
                raise ConfigError(f"the search in {search.folder} was begun otherwise", f"search.{key}", hint=hint)
        study.set_user_attr(_ASKED, asked)
        if retry:
            failed = study.get_trials(deepcopy=False, states=(optuna().trial.TrialState.FAIL,))
            study.set_user_attr(_FORGIVEN, [trial.number for trial in failed])


def discard(folder: Path) -> None:
    """Delete what :func:`create` has made in a folder, of a search in which no run began."""
    shutil.rmtree(folder / "workers", ignore_errors=True)
    for file in (_journal(folder), folder / _TURN):
        file.unlink(missing_ok=True)


def counted(study: "package.Study") -> "list[FrozenTrial]":
    """Return the trials that count, whatever became of them."""
    forgiven = study.user_attrs.get(_FORGIVEN, [])
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if NAME in trial.user_attrs and trial.number not in forgiven]


def count(search: Search) -> int:
    """Return how many trials count; none where no study has been created, and makes none."""
    if search.options.storage is None and not _journal(search.folder).exists():
        return 0
    try:
        return len(counted(load(search.folder, search.options.storage)))
    except KeyError:  # the database has no such study
        return 0


def load(folder: Path, url: str | None, **parts: Any) -> "package.Study":
    """Return the study in a sweep's folder.

    Arguments:
        folder: The folder.
        url: A database in which it is kept in place of a file in the folder.
        parts: Its ``sampler`` and its ``pruner``; by default it chooses nothing and prunes nothing.
    """
    return optuna().load_study(storage=_storage(folder, url), study_name=_name(folder, url), **{**_bare(), **parts})


def trial_of(study: "package.Study", number: int) -> "Trial":
    """Return a trial to which something can be added."""
    # What Optuna offers knows trials by their number in the storage alone.
    return optuna().trial.Trial(study, frozen(study, number)._trial_id)


def frozen(study: "package.Study", number: int) -> "FrozenTrial":
    """Return a trial as it is now."""
    return next(trial for trial in study.get_trials(deepcopy=False) if trial.number == number)


class Trials:
    """The trials of a search, as one worker sees them.

    Arguments:
        search: The search, whose study has been created.
        worker: The worker's name.
    """

    def __init__(self, search: Search, worker: str) -> None:
        self.search, self.worker = search, worker
        self.study = load(search.folder, search.options.storage)

    @property
    def lock(self) -> Path:
        """The file whose lock the worker holds as long as it lives."""
        return _lock(self.search.folder, self.worker)

    def next(self, without: Collection[int] = ()) -> "FrozenTrial | None":
        """Return a trial to work on: one that somebody left, or a new one; None: all are done, or in other hands.

        Arguments:
            without: Numbers of trials that are not to be taken.
        """
        with _turn(self.search.folder):
            number = self._left(without)
            if number is None and len(counted(self.study)) < self.search.options.trials:
                number = self._ask()
            return None if number is None else frozen(self.study, number)

    def give_back(self, number: int) -> None:
        """Let another worker, or a later command, continue a trial."""
        self._note(number, {WORKER: None})

    def killed(self, number: int, reason: str | None) -> None:
        """Note that a trial's process was killed; give the trial back, or up if that happens too often."""
        kills = frozen(self.study, number).user_attrs.get(KILLS, 0) + 1
        if kills > _MOST_KILLS:
            self.tell(number, None, "killed", f"{kills} times; {reason or 'its worker died'}", failed=True)
        else:
            self._note(number, {KILLS: kills, WORKER: None})

    def tell(
        self, number: int, values: list[float] | None, status: str | None, reason: str | None, failed: bool = False
    ) -> None:
        """Finish a trial.

        Arguments:
            number: The trial.
            values: What it scored, in the order of the objectives; None: nothing that counts.
            status: What became of its run.
            reason: Why it has no values.
            failed: Whether nothing can be learnt from it; else it counts as bad.
        """
        self._note(number, {STATUS: status, REASON: reason})
        states = optuna().trial.TrialState
        state = states.COMPLETE if values is not None else states.FAIL if failed else states.PRUNED
        self.study.tell(number, values, state, skip_if_finished=True)

    def _left(self, without: Collection[int]) -> int | None:
        """Take over a running trial whose worker gave it back or has died."""
        states = optuna().trial.TrialState
        for trial in self.study.get_trials(deepcopy=False, states=(states.RUNNING,)):
            if NAME not in trial.user_attrs:  # its worker died while it asked; that trial does not count
                self.tell(trial.number, None, None, "never begun", failed=True)
                continue
            holder = trial.user_attrs.get(WORKER)
            if trial.number in without or (holder is not None and is_held(_lock(self.search.folder, holder))):
                continue
            if holder is not None:
                self.killed(trial.number, None)
            if not frozen(self.study, trial.number).state.is_finished():
                self._note(trial.number, {WORKER: self.worker})
                return trial.number
        return None

    def _ask(self) -> int:
        """Begin a new trial; its values depend on the seed and on the trials before it, whoever worked on those."""
        number = len(self.study.get_trials(deepcopy=False))
        seed = random.Random(f"{self.search.options.seed}, {number}").getrandbits(32)
        parts = {"sampler": self.search.sampler(seed), "pruner": self.search.pruner()}
        asking = load(self.search.folder, self.search.options.storage, **parts)
        trial = asking.ask(self.search.space)
        self._note(trial.number, {WORKER: self.worker, NAME: trial_name(trial.number, trial.params)})
        return trial.number

    def _note(self, number: int, attributes: Mapping[str, Any]) -> None:
        trial = trial_of(self.study, number)
        for key, value in attributes.items():
            trial.set_user_attr(key, value)


def _storage(folder: Path, url: str | None) -> "BaseStorage | str":
    package = optuna()
    return url or package.storages.JournalStorage(package.storages.journal.JournalFileBackend(str(_journal(folder))))


def _name(folder: Path, url: str | None) -> str:
    """Return what the study is called: a database holds many, a folder that may be moved one."""
    return "search" if url is None else str(folder)


def _bare() -> dict[str, Any]:
    package = optuna()
    return {"sampler": package.samplers.RandomSampler(), "pruner": package.pruners.NopPruner()}


def _journal(folder: Path) -> Path:
    return folder / "study.journal"


def _lock(folder: Path, worker: str) -> Path:
    return folder / "workers" / f"{worker}.lock"


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until no other worker looks for a trial."""
    with FileLock(folder / _TURN):
        yield


def _mend(journal: Path) -> None:
    """Cut off an entry that a full disk or a crash of the machine left half written: with it Optuna could read no later one."""
    if not journal.is_file():
        return
    lock = optuna().storages.journal.JournalFileSymlinkLock(str(journal))  # that of those who write
    lock.acquire()
    try:
        content = journal.read_bytes()
        os.truncate(journal, content.rfind(b"\n") + 1)
    finally:
        lock.release()
