"""The verdict on a run: consecutive signs of trouble raise an alarm; :mod:`.rules` defines the signs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ganexp.metrics.measurement import Measurement
from ganexp.runs.checkpoint import Checkpoint
from ganexp.runs.records import Alarm, Health
from ganexp.runs.signals import signal
from ganexp.training import rules

VERDICTS = {"healthy": 0, "declining": 1, "narrow": 2, "saturated": 3, "collapsed": 4, "diverged": 5, "overfitting": 6}
"""Numbers of the verdicts in the curve ``health/verdict``."""

# Each rule's verdict. Of several alarms the first is given: where the discriminator is blind, the rest is a consequence.
RULES = {
    "finite": "diverged",
    "explosion": "diverged",
    "blindness": "saturated",
    "narrowness": "collapsed",
    "absence": "collapsed",
    "vanishing": "saturated",
    "thinness": "narrow",
    "overfitting": "overfitting",
    "decline": "declining",
}

_BEGUN = 0.5  # share of the budget in which a measurement that is the best so far excuses what it misses


class Diverged(RuntimeError):
    """A loss or a weight is no longer a finite number."""


@dataclass(eq=False)  # an exception has to be hashable
class RollBack(RuntimeError):
    """The run goes back to a good checkpoint.

    Attributes:
        checkpoint: From before the trouble; None in all processes but the first.
        callback: The key in the checkpoint of the callback that sends the run back.
        state: What that callback is to remember.
        lr_factor: Factor of both learning rates.
    """

    checkpoint: Checkpoint | None
    callback: str
    state: dict[str, Any]
    lr_factor: float


@dataclass
class Sign:
    """Consecutive signs of one trouble: how many, since when, the last one, and whether they have raised an alarm."""

    reason: str
    since: int
    count: int = 0
    alarm: bool = False


class Monitor:
    """The present verdict, and the history of alarms and returns.

    Arguments:
        patience: Consecutive signs that raise an alarm.
        diversity: Least ratio of the mean distance between samples to that between real ones.
        decline: Factor between the best value and one that is a sign of decline.
        warmup: Iterations in which signs do not count.

    Attributes:
        alarms: All alarms: verdict, reason, and the iteration at which it was raised.
        returns: How often the run went back to a checkpoint.
        judged_at: The iteration at which something was judged last.
    """

    def __init__(self, patience: int = 3, diversity: float = 0.15, decline: float = 2.0, warmup: float = 0.0) -> None:
        self.patience, self.diversity, self.decline, self.warmup = patience, diversity, decline, warmup
        self.usual = rules.Usual()
        self.alarms: list[dict[str, Any]] = []
        self.returns, self.judged_at = 0, -1
        self._signs: dict[str, Sign] = {}

    # What is judged --------------------------------------------------------------------------------------------------------

    def judge_curves(self, values: Mapping[str, float], iteration: int) -> None:
        """Judge a log entry."""
        for rule in (rules.explosion, rules.blindness, rules.vanishing):
            self.observe(rule.__name__, rule(values, self.usual), iteration, self.patience)
        for tag, value in values.items():
            if signal(tag).judged:
                self.usual.add(tag, value)

    def judge_diversity(self, ratio: float, iteration: int) -> None:
        """Judge how far samples lie apart, as a ratio to real ones."""
        self.observe("narrowness", rules.narrowness(ratio, self.diversity), iteration, self.patience)

    def judge_measurement(
        self, latest: Measurement, best: Measurement | None, goals: dict[str, str], by: str | None, collapses: Sequence[str],
        narrow: Sequence[str], planned: int, done: float,
    ) -> None:  # fmt: skip
        """Judge a measurement.

        Arguments:
            latest: The measurement.
            best: The best one so far, which may be the same.
            goals: Whether the lowest (``min``) or highest (``max``) of each value is the best.
            by: The value by which a measurement is the best.
            collapses: The collapses of diversity that the metrics see in it.
            narrow: In what else its samples are less spread than the data.
            planned: Measurements in the budget; at most half as many signs make an alarm.
            done: Share of the budget that was done when it was taken.
        """
        patience = max(1, min(self.patience, planned // 2))
        # A run that has only begun to learn covers little, too, but gets better from one measurement to the next. With half of
        # its budget spent it has not only begun; and what is missing at the end stays missing.
        begun = best is latest and done <= _BEGUN
        absence = None if begun else "; ".join(collapses)
        once = 1 if done >= 1 else patience
        self.observe("absence", absence or None, latest.iteration, once)
        # While the learning rate is high, the averaged generator is thinner than what it will be.
        thinness = None if done <= _BEGUN else "; ".join(narrow)
        self.observe("thinness", thinness or None, latest.iteration, once)
        if by is not None and by in latest.values:
            value = latest.values[by]
            if math.isnan(value) or best is None:
                reason: str | None = f"{by} is no number"
            else:
                reason = rules.decline(by, value, best.values[by], latest.real.get(by), goals[by] == "min", self.decline)
            self.observe("decline", reason, latest.iteration, patience)

    def judge_recognition(self, values: Mapping[str, float], iteration: int, planned: int) -> None:
        """Judge how often training and held-out samples look more real to the discriminator than generated ones.

        Arguments:
            values: Both shares, by tag.
            iteration: When they were measured.
            planned: Measurements in the budget; at most half as many signs make an alarm.
        """
        patience = max(1, min(self.patience, planned // 2))
        self.observe("overfitting", rules.overfitting(values), iteration, patience)

    def observe(self, rule: str, reason: str | None, iteration: int, patience: int = 0) -> bool:
        """Record the result of a rule at an iteration.

        Arguments:
            rule: Its name, one of ``RULES``; the signs of every rule are counted separately.
            reason: What is wrong; None: nothing.
            iteration: When.
            patience: Consecutive signs that raise an alarm; 0: one does, even in the warm-up.

        Returns:
            Whether an alarm is raised.
        """
        self.judged_at = iteration
        if reason is None or (patience and iteration <= self.warmup):
            self._signs.pop(rule, None)
            return False
        sign = self._signs.setdefault(rule, Sign(reason, iteration))
        sign.reason, sign.count = reason, sign.count + 1
        raised = not sign.alarm and sign.count >= patience
        if raised:
            sign.alarm = True
            self.alarms.append({"verdict": RULES[rule], "reason": reason, "iteration": iteration})
        return raised

    # The verdict -----------------------------------------------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        """The state of the run now."""
        return "healthy" if self._worst is None else RULES[self._worst]

    @property
    def reason(self) -> str | None:
        """Why the run is not healthy."""
        return None if self._worst is None else self._signs[self._worst].reason

    @property
    def _worst(self) -> str | None:
        """The rule whose alarm is raised, the first of several."""
        return next((rule for rule in RULES if rule in self._signs and self._signs[rule].alarm), None)

    @property
    def first_sign(self) -> int | None:
        """The iteration of the first of all present signs, alarms or not."""
        return min((sign.since for sign in self._signs.values()), default=None)

    def report(self) -> Health:
        """Return the verdict, with its reason and the iteration of its first sign, the alarms and the number of roll-backs."""
        since = None if self._worst is None else self._signs[self._worst].since
        return Health(self.verdict, self.reason, since, [Alarm(**alarm) for alarm in self.alarms], self.returns)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues."""
        signs = {rule: asdict(sign) for rule, sign in self._signs.items()}
        return {"alarms": self.alarms, "returns": self.returns, "usual": self.usual.seen, "signs": signs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue :meth:`state_dict`."""
        self.alarms, self.returns = [dict(alarm) for alarm in state["alarms"]], state["returns"]
        self.usual = rules.Usual(state["usual"])
        self._signs = {rule: Sign(**sign) for rule, sign in state["signs"].items()}
