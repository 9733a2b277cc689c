"""What may go wrong with a run, as rules on a few numbers; nothing here knows how a run is trained.

With r and f the logits of real and fake samples, A their separation (see :mod:`.signals`), n the norm of a player's
gradient and n0 its usual norm (the median of the first ``FIRST`` that were observed), d the mean distance between two samples,
v a value by which models are ranked, v* the best so far and v_r that of real data, an observation is a sign of

=========  ====================================================================================================
diverged   a number that is not finite; abs(loss) > ``HUGE``; n > ``EXPLODED`` n0
collapsed  d(generated) < ``diversity`` d(real); a metric that sees modes or classes missing, unless v is the best so far
saturated  sd(r, f) < ``FLAT`` max(abs(r), abs(f)): the discriminator is blind; for the generator n = 0, n < ``VANISHED`` n0,
           or n < ``FAINT`` n0 and A > ``SURE``: the discriminator is always right
declining  v > ``decline`` max(v*, v_r) where lower is better, v < min(v*, v_r) / ``decline`` where higher is
=========  ====================================================================================================

Signs become an alarm when they come ``patience`` times in succession after the warm-up; numbers that are not finite at once.
All but the loss are ratios, so neither the scale of the data nor that of the loss matters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from ganexp.runs.checkpoint import Checkpoint

VERDICTS = {"healthy": 0, "declining": 1, "saturated": 2, "collapsed": 3, "diverged": 4}
"""Numbers of the verdicts in the curve ``health/verdict``."""

# Each rule's verdict. Of several alarms the first is given: where the discriminator is blind, the rest is a consequence.
RULES = {
    "finite": "diverged",
    "explosion": "diverged",
    "blindness": "saturated",
    "narrowness": "collapsed",
    "absence": "collapsed",
    "vanishing": "saturated",
    "decline": "declining",
}

# In healthy runs (rings, grids, digits and MNIST, all losses) abs(loss) was at most 11, n at most 16 n0 and sd / max at least
# 0.01. The generator's n was at least 0.0004 n0, at the end of a run that had learnt its data, with A = 0.5; with A = 1, which
# is common in healthy runs, it was at least 0.01 n0.
FIRST = 20
HUGE = 1e5
EXPLODED = 1e4
VANISHED = 1e-6
FAINT = 1e-3
SURE = 0.999
FLAT = 1e-5


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


# What is a sign ------------------------------------------------------------------------------------------------------------


class Usual:
    """The usual size of numbers, by name: the median of the first ``FIRST`` finite ones."""

    def __init__(self, seen: Mapping[str, Sequence[float]] | None = None) -> None:
        self.seen = {name: list(values) for name, values in (seen or {}).items()}

    def add(self, name: str, value: float) -> None:
        """Take a number into account if it is among the first."""
        values = self.seen.setdefault(name, [])
        if len(values) < FIRST and math.isfinite(value):
            values.append(value)

    def __call__(self, name: str) -> float | None:
        """Return the median; None where nothing has been seen."""
        values = self.seen.get(name)
        return median(values) if values else None


def explosion(values: Mapping[str, float], usual: Usual) -> str | None:
    """Say that a loss or a gradient has grown beyond all bounds."""
    for player in ("d", "g"):
        loss, norm = values.get(f"loss/{player}", 0.0), values.get(f"gradient_norm/{player}", 0.0)
        if abs(loss) > HUGE:
            return f"loss/{player} is {loss:.3g}"
        normal = usual(f"gradient_norm/{player}")
        if normal and norm > EXPLODED * normal:
            return f"gradient_norm/{player} is {norm:.3g}, {norm / normal:,.0f} times the usual one"
    return None


def blindness(values: Mapping[str, float], usual: Usual) -> str | None:
    """Say that the discriminator sees nothing."""
    return "the discriminator is blind: its logits are constant" if values.get("health/spread", 1.0) < FLAT else None


def vanishing(values: Mapping[str, float], usual: Usual) -> str | None:
    """Say that the generator cannot learn from the discriminator, as a rule because that is too sure."""
    if "health/separation" not in values or "gradient_norm/g" not in values:  # there is no game
        return None
    norm, normal = values["gradient_norm/g"], usual("gradient_norm/g") or 0.0
    sure = values["health/separation"] > SURE
    if norm > (FAINT if sure else VANISHED) * normal:
        return None
    vanished = f"the generator's gradient has vanished: its norm is {norm:.2g}, usually {normal:.2g}"
    return f"the discriminator is always right, and {vanished}" if sure else vanished


def narrowness(ratio: float, least: float) -> str | None:
    """Say that samples lie too close together, by the ratio of their mean distance to that of real ones."""
    return f"samples hardly differ: they lie {100 * ratio:.2g} % as far apart as real ones" if ratio < least else None


def decline(name: str, value: float, best: float, real: float | None, lower: bool, factor: float) -> str | None:
    """Say that a value by which models are ranked is far from its best; closer to that of real data it is not far."""
    goal = best if real is None or not math.isfinite(real) else (max(best, real) if lower else min(best, real))
    if goal <= 0:
        return None
    if math.isfinite(value) and (value <= factor * goal if lower else value >= goal / factor):
        return None
    return f"{name} is {value:.4g}, its best was {best:.4g}"


# What signs amount to -------------------------------------------------------------------------------------------------------


@dataclass
class Sign:
    """Signs of one trouble in succession: how many, since when, the last one, and whether they have become an alarm."""

    reason: str
    since: int
    count: int = 0
    alarm: bool = False


class Monitor:
    """The present verdict, and the history of alarms.

    Arguments:
        warmup: Iterations in which signs do not count.

    Attributes:
        alarms: All alarms: verdict, reason, and the iteration at which it was raised.
        returns: How often the run went back to a checkpoint.
    """

    def __init__(self, warmup: float = 0.0) -> None:
        self.warmup = warmup
        self.alarms: list[dict[str, Any]] = []
        self.returns = 0
        self._signs: dict[str, Sign] = {}

    def observe(self, rule: str, reason: str | None, iteration: int, patience: int) -> bool:
        """Take what a rule says of an iteration.

        Arguments:
            rule: Its name, one of ``RULES``; every rule has a succession of its own.
            reason: What is wrong; None: nothing.
            iteration: When.
            patience: Signs in succession that make an alarm; 0: one does, even in the warm-up.

        Returns:
            Whether an alarm is raised.
        """
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
        """The rule whose alarm stands, the first of several."""
        return next((rule for rule in RULES if rule in self._signs and self._signs[rule].alarm), None)

    @property
    def first_sign(self) -> int | None:
        """The iteration of the first of all signs that stand, alarms or not."""
        return min((sign.since for sign in self._signs.values()), default=None)

    def report(self) -> dict[str, Any]:
        """Return plain types: verdict, reason and the iteration of its first sign (None: healthy), alarms and roll-backs."""
        since = None if self._worst is None else self._signs[self._worst].since
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "iteration": since,
            "alarms": [dict(alarm) for alarm in self.alarms],
            "rollbacks": self.returns,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues."""
        signs = {rule: asdict(sign) for rule, sign in self._signs.items()}
        return {"alarms": self.alarms, "returns": self.returns, "signs": signs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue :meth:`state_dict`."""
        self.alarms, self.returns = [dict(alarm) for alarm in state["alarms"]], state["returns"]
        self._signs = {rule: Sign(**sign) for rule, sign in state["signs"].items()}
