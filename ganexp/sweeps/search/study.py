"""The study of a search, in a sweep's folder or in a database: created once, then loaded by any number of processes."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ganexp.config.build import refusal
from ganexp.config.errors import ConfigError
from ganexp.runs.locks import is_held
from ganexp.sweeps.search import optuna
from ganexp.sweeps.search.address import address
from ganexp.sweeps.search.plan import Search

if TYPE_CHECKING:
    import optuna as package
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

# What is noted of a trial. The name comes last: a trial without one was not begun.
NAME, WORKER, KILLS, REASON = "name", "worker", "kills", "reason"

TRIALS = "trials"
"""What is noted of the study: how many trials the latest command asked for."""

_ASKED, _SHARED, _FORGIVEN = "options", "configuration", "forgiven"
_TURN = "study.lock"
_NAMED = 3  # differences in a refusal
_SAME = ("space", "objectives", "value", "seed", "fixed")  # options without which it would be another search


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
    with turn(search.folder):
        if search.options.storage is None:
            _mend(_journal(search.folder))
        try:
            study = optuna().create_study(
                storage=_storage(search.folder, search.options.storage), load_if_exists=True,
                study_name=_name(search.folder, search.options.storage), directions=list(search.objectives.values()), **_bare(),
            )  # fmt: skip
        except Exception as error:  # of a database, its driver or a file system
            raise refusal(error, "search.storage") from error
        options = {key: getattr(search.options, key) for key in _SAME}
        for attribute, prefix, asked in ((_ASKED, "search.", options), (_SHARED, "", dict(search.shared))):
            _check_same(search, study.user_attrs.get(attribute, asked), asked, prefix)
            study.set_user_attr(attribute, asked)
        study.set_user_attr(TRIALS, search.options.trials)  # holds for workers of earlier commands too
        if retry:
            failed = study.get_trials(deepcopy=False, states=(optuna().trial.TrialState.FAIL,))
            study.set_user_attr(_FORGIVEN, [trial.number for trial in failed])


def discard(folder: Path, url: str | None = None) -> None:
    """Delete what :func:`create` has made, in a folder or in a database, of a search in which no run began."""
    if url is not None:
        with suppress(KeyError):  # it is not there any more
            optuna().delete_study(study_name=_name(folder, url), storage=_storage(folder, url))
    shutil.rmtree(folder / "workers", ignore_errors=True)
    for file in (_journal(folder), folder / _TURN):
        file.unlink(missing_ok=True)


def counted(study: "package.Study") -> "list[FrozenTrial]":
    """Return the trials that count, whatever became of them."""
    forgiven = study.user_attrs.get(_FORGIVEN, [])
    return [trial for trial in study.get_trials(deepcopy=False) if NAME in trial.user_attrs and trial.number not in forgiven]


def ended(search: Search) -> int:
    """Return how many trials have ended, however; none where no study has been created, and makes none.

    Raises:
        ConfigError: The storage cannot be used.
    """
    try:
        if not _is_there(search.folder, search.options.storage):
            return 0
        trials = counted(load(search.folder, search.options.storage))
    except KeyError:  # the database has no such study
        return 0
    except Exception as error:  # of a database, its driver or a file system
        raise refusal(error, "search.storage") from error
    return sum(trial.state.is_finished() for trial in trials)


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


def turn(folder: Path) -> FileLock:
    """Return what keeps other workers waiting while one looks for a trial."""
    return FileLock(folder / _TURN)


def worker_lock(folder: Path, worker: str) -> Path:
    """Return the file whose lock a worker holds as long as it lives."""
    return folder / "workers" / f"{worker}.lock"


def _storage(folder: Path, url: str | None) -> "BaseStorage":
    storages = optuna().storages
    if url is None:
        return storages.JournalStorage(storages.journal.JournalFileBackend(str(_journal(folder))))
    from sqlalchemy.pool import NullPool  # what Optuna speaks to databases with

    # A run asks a few times in minutes: a connection that is kept would only be one that was not closed.
    return storages.RDBStorage(address(url).render_as_string(hide_password=False), engine_kwargs={"poolclass": NullPool})


def _is_there(folder: Path, url: str | None) -> bool:
    """Return whether there is a place where studies are kept; to ask makes none, as Optuna would."""
    if url is None:
        return _journal(folder).exists()
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.pool import NullPool

    where = address(url)
    file = Path(where.database or "")
    if where.get_backend_name() == "sqlite" and not file.exists() and os.access(file.parent, os.W_OK):
        return False
    return inspect(create_engine(where, poolclass=NullPool)).has_table("studies")


def _check_same(search: Search, before: Mapping[str, Any], asked: Mapping[str, Any], prefix: str) -> None:
    """Refuse a search whose trials could not be compared with those that are there; a prefix makes an option of a key."""
    missing = object()
    typed = {override.lstrip("+~").partition("=")[0] for override in search.overrides}
    differ = [key for key in {**asked, **before} if asked.get(key, missing) != before.get(key, missing)]
    named = ([key for key in differ if {key, key.partition(".")[0]} & typed] or differ)[:_NAMED]
    if named:
        there = ", ".join(f"{prefix}{key}={before[key]}" if key in before else f"without {key}" for key in named)
        hint = f"it has {there}; choose another name for this one, such as name=second"
        keys = [f"{prefix}{key}" for key in named]
        raise ConfigError(f"the search in {search.folder} has other options", *keys, hint=hint)


def _name(folder: Path, url: str | None) -> str:
    """Return what the study is called: a database holds many, a folder that may be moved one."""
    return "search" if url is None else str(folder)


def _bare() -> dict[str, Any]:
    package = optuna()
    return {"sampler": package.samplers.RandomSampler(), "pruner": package.pruners.NopPruner()}


def _journal(folder: Path) -> Path:
    return folder / "study.journal"


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
