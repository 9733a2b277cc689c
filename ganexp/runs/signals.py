"""The signals of a run, by families of tags: what each is, how it is reduced, where it is shown and how it is written.

The log, the progress bar, the health rules, the summary and the report's page ask this table. A tag that no pattern names gets
:data:`OTHER`: its mean is in ``metrics.csv``, in TensorBoard and on the page.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal


@dataclass(frozen=True)
class Signal:
    """What is known of all tags of a family; whatever is logged is in ``metrics.csv`` and in TensorBoard.

    Attributes:
        about: What it is, in one line.
        reduced: How the elements of all values since the last log entry become one number; ``probability`` is the mean of the
            probabilities that logits mean.
        makes: A family that is made of the same values, by its own reduction: its tags end alike.
        finite: Whether the run ends when a value is not finite.
        judged: Whether the health rules compare a value with the usual ones.
        headline: Whether tables and summaries show it.
        bar: Whether the progress bar shows it.
        page: Whether the report's page shows its curve.
        digits: How it is written, as a format specification.
        unit: What follows the number where its tag is not beside it.
    """

    about: str
    reduced: Literal["mean", "probability", "last", "max"] = "mean"
    makes: str | None = None
    finite: bool = False
    judged: bool = False
    headline: bool = False
    bar: bool = False
    page: bool = True
    digits: str = ",.4g"
    unit: str = ""


OTHER = Signal("a value that the model observes")
"""What is known of a tag of any other family."""

# The first pattern that matches a tag counts; an asterisk matches any text, slashes included.
SIGNALS = {
    "iteration": Signal("iterations done: the x axis of all curves", page=False, digits=",.0f"),
    "loss/*/*": Signal("a term of a player's loss", finite=True),
    "loss/*": Signal("a player's loss: the sum of its terms", finite=True, headline=True, bar=True),
    "logits/*": Signal("the discriminator's logits of real or generated samples", makes="probability", page=False),
    "probability/*": Signal("how probably real the discriminator finds samples: D(x) and D(G(z))", reduced="probability"),
    "gradient_norm/*": Signal("L2 norm of a player's gradient in the last iteration", judged=True),
    "largest_weight/*": Signal("largest magnitude among a player's weights", finite=True, page=False),
    "health/separation": Signal("how often a real sample has a larger logit than a generated one", judged=True, page=False),
    "health/spread": Signal("standard deviation of logits over the largest magnitude among them", page=False),
    "health/diversity": Signal("mean distance between generated samples over that between real ones"),
    "health/recognised": Signal("how often a training sample looks more real to the discriminator than a generated one"),
    "health/held_out": Signal("how often a held-out sample looks more real to the discriminator than a generated one"),
    "health/verdict": Signal(
        "0 healthy, 1 declining, 2 narrow, 3 saturated, 4 collapsed, 5 diverged, 6 overfitting", page=False, digits=".0f"
    ),
    "lr/*": Signal("a player's learning rate"),
    "progress/epoch": Signal("passes over the data that are complete", page=False, digits=",.0f"),
    "progress/images_per_second": Signal("real images seen per second", bar=True, page=False, digits=",.0f", unit=" img/s"),
    "progress/seconds_per_epoch": Signal("an iteration's time times the iterations of an epoch", page=False, unit=" s"),
    "metrics/*/*": Signal("a detail of a metric", page=False),
    "metrics/*": Signal("a metric of fresh samples", headline=True),
    "real/*": Signal("what held-out real samples score by a metric", page=False),
    "final/*": Signal("a value of the run's final state, in TensorBoard's table of runs"),
    "best/*": Signal("a value of the run's best state, in TensorBoard's table of runs"),
}
"""What is known of the tags that match a pattern."""


@cache
def signal(tag: str) -> Signal:
    """Return what is known of a tag."""
    return next((known for pattern, known in SIGNALS.items() if fnmatchcase(tag, pattern)), OTHER)


def is_headline(name: str) -> bool:
    """Return whether tables show a value, by its tag, or by its name among the metrics."""
    return signal(name).headline or signal(f"metrics/{name}").headline


def text(value: float | None, tag: str = "") -> str:
    """Write a value, by default with four digits; nothing for one that is missing."""
    return "" if value is None else f"{value:{signal(tag).digits}}"


def labelled(tag: str, value: float) -> str:
    """Write a value with what it is: its unit if it has one, else its tag."""
    known = signal(tag)
    return f"{text(value, tag)}{known.unit}" if known.unit else f"{tag.replace('/', ' ')} {text(value, tag)}"
