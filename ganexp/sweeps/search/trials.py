"""The trials of a search, shared by workers in any number of processes that may end at any moment.

Contract: trials are begun one at a time, under a lock, so that there are exactly as many as were asked for. A trial that is
running belongs to a worker; it is free again when that worker gives it back, or has died.
"""

import random
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganexp.runs.locks import is_held
from ganexp.sweeps.search import optuna
from ganexp.sweeps.search import study as kept
from ganexp.sweeps.search.plan import Search
from ganexp.sweeps.search.space import trial_name
from ganexp.sweeps.search.study import KILLS, NAME, REASON, WORKER, counted, frozen

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_MOST_KILLS = 2


class Trials:
    """The trials of a search, as one worker sees them.

    Arguments:
        search: The search, whose study has been created.
        worker: The worker's name.
    """

    def __init__(self, search: Search, worker: str) -> None:
        self.search, self.worker = search, worker
        self.study = kept.load(search.folder, search.options.storage)

    @property
    def lock(self) -> Path:
        """The file whose lock the worker holds as long as it lives."""
        return kept.worker_lock(self.search.folder, self.worker)

    def next(self, without: Collection[int] = ()) -> "FrozenTrial | None":
        """Return a trial to work on: one that somebody left, or a new one; None: all are done, or in other hands.

        Arguments:
            without: Numbers of trials that are not to be taken.
        """
        with kept.turn(self.search.folder):
            number = self._left(without)
            if number is None and len(counted(self.study)) < self.study.user_attrs[kept.TRIALS]:
                number = self._ask()
            return None if number is None else frozen(self.study, number)

    def give_back(self, number: int) -> None:
        """Let another worker, or a later command, continue a trial."""
        self._note(number, {WORKER: None})

    def killed(self, number: int, reason: str | None) -> None:
        """Note that a trial's process was killed; give the trial back, or up if that happens too often."""
        kills = frozen(self.study, number).user_attrs.get(KILLS, 0) + 1
        if kills > _MOST_KILLS:
            self.tell(number, "failed", reason=f"{kills} times; {reason or 'its worker died'}")
        else:
            self._note(number, {KILLS: kills, WORKER: None})

    def tell(self, number: int, end: str, values: list[float] | None = None, reason: str | None = None) -> None:
        """Finish a trial.

        Arguments:
            number: The trial.
            end: `complete`, `bad` (it counts as a bad one) or `failed` (it teaches nothing).
            values: What a complete one scored, in the order of the objectives.
            reason: Why it has no values.
        """
        self._note(number, {REASON: reason})
        states = optuna().trial.TrialState
        state = {"complete": states.COMPLETE, "bad": states.PRUNED, "failed": states.FAIL}[end]
        self.study.tell(number, values, state, skip_if_finished=True)

    def _left(self, without: Collection[int]) -> int | None:
        """Take over a running trial whose worker gave it back or has died."""
        states = optuna().trial.TrialState
        for trial in self.study.get_trials(deepcopy=False, states=(states.RUNNING,)):
            if NAME not in trial.user_attrs:  # its worker died while it asked; that trial does not count
                self.tell(trial.number, "failed", reason="never begun")
                continue
            holder = trial.user_attrs.get(WORKER)
            if trial.number in without or (holder is not None and is_held(kept.worker_lock(self.search.folder, holder))):
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
        asking = kept.load(self.search.folder, self.search.options.storage, **parts)
        trial = asking.ask(self.search.space)
        self._note(trial.number, {WORKER: self.worker, NAME: trial_name(trial.number, trial.params)})
        return trial.number

    def _note(self, number: int, attributes: Mapping[str, str | int | None]) -> None:
        trial = kept.trial_of(self.study, number)
        for key, value in attributes.items():
            trial.set_user_attr(key, value)
