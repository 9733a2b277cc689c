"""Rules on a few numbers that detect what goes wrong with a run; nothing here knows how it is trained.

With r and f the logits of real and fake samples, A their separation (see :mod:`.signals`), n the norm of a player's gradient
and n0 its usual norm (the median of the first ``FIRST`` that were observed), d the mean distance between two samples, v a value
by which models are ranked, v* the best so far and v_r that of real data, an observation is a sign of

===========  ====================================================================================================
diverged     a number that is not finite; abs(loss) > ``HUGE``; n > ``EXPLODED`` n0
collapsed    d(generated) < ``diversity`` d(real); a metric that sees modes or classes missing, unless v is the best so far and
             less than half of the budget is spent; at the end, one such sign is an alarm
narrow       modes too thin or with too small a share, recall far below that of held-out images, after half of the budget; at
             the end, one such sign is an alarm
saturated    sd(r, f) < ``FLAT`` max(abs(r), abs(f)): the discriminator is blind; for the generator n = 0, n < ``VANISHED`` n0,
             or n < ``FAINT`` n0 and A > ``SURE``: the discriminator is always right
overfitting  A(training) > ``KNOWN`` and A(held-out) < ``UNKNOWN``: held-out samples look less real than generated ones
declining    v > ``decline`` max(v*, v_r) where lower is better, v < min(v*, v_r) / ``decline`` where higher is
===========  ====================================================================================================

All but the loss are ratios, so neither the scale of the data nor that of the loss matters. Each rule returns the reason for a
sign, or None. :mod:`.health` turns signs into alarms.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import median

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
# A perfect generator makes A(held-out) 1/2, whatever the discriminator has learnt. Of fully connected players on 64, 256, 512
# and all digits (5,060 iterations), it ended at 0.05, 0.21, 0.36 and 0.66, and recall at 0.12, 0.37, 0.55 and 0.85; cgan_class
# ended at 0.52 and 0.81.
KNOWN = 0.7
UNKNOWN = 0.45


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
    """A loss or a gradient has exploded."""
    for player in ("d", "g"):
        loss, norm = values.get(f"loss/{player}", 0.0), values.get(f"gradient_norm/{player}", 0.0)
        if abs(loss) > HUGE:
            return f"loss/{player} is {loss:.3g}"
        normal = usual(f"gradient_norm/{player}")
        if normal and norm > EXPLODED * normal:
            return f"gradient_norm/{player} is {norm:.3g}, {norm / normal:,.0f} times the usual one"
    return None


def blindness(values: Mapping[str, float], usual: Usual) -> str | None:
    """The discriminator cannot tell any samples apart."""
    return "the discriminator is blind: its logits are constant" if values.get("health/spread", 1.0) < FLAT else None


def vanishing(values: Mapping[str, float], usual: Usual) -> str | None:
    """The generator cannot learn from the discriminator, usually because the discriminator is always right."""
    if "health/separation" not in values or "gradient_norm/g" not in values:  # nothing adversarial is trained
        return None
    norm, normal = values["gradient_norm/g"], usual("gradient_norm/g") or 0.0
    sure = values["health/separation"] > SURE
    if norm > (FAINT if sure else VANISHED) * normal:
        return None
    vanished = f"the generator's gradient has vanished: its norm is {norm:.2g}, usually {normal:.2g}"
    return f"the discriminator is always right, and {vanished}" if sure else vanished


def narrowness(ratio: float, least: float) -> str | None:
    """Samples lie too close together; ``ratio`` is their mean distance over that of real ones."""
    return f"samples hardly differ: they lie {100 * ratio:.2g} % as far apart as real ones" if ratio < least else None


def overfitting(values: Mapping[str, float]) -> str | None:
    """The discriminator ranks training samples above generated ones, and held-out ones, which it has not seen, below."""
    training, held_out = values["health/recognised"], values["health/held_out"]
    if not (training > KNOWN and held_out < UNKNOWN):
        return None
    shares = f"more real than generated ones {100 * training:.0f} % of the time, held-out ones {100 * held_out:.0f} %"
    return f"the discriminator knows its training samples by heart: it finds them {shares}"


def decline(name: str, value: float, best: float, real: float | None, lower: bool, factor: float) -> str | None:
    """A value by which models are ranked is far from its best, and from what real data scores."""
    goal = best if real is None or not math.isfinite(real) else (max(best, real) if lower else min(best, real))
    if goal <= 0:
        return None
    if math.isfinite(value) and (value <= factor * goal if lower else value >= goal / factor):
        return None
    return f"{name} is {value:.4g}, its best was {best:.4g}"
