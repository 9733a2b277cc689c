"""One measurement of a model: numbers, what real data scores by them, and the protocol by which they were made.

Contract: a measurement is a function of the model's weights and of its protocol; it leaves the model and every random state as
they were.
"""

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ganexp.config.errors import ConfigError
from ganexp.metrics import Metric, Reference, Samples

if TYPE_CHECKING:
    from ganexp.models import GAN


@dataclass(frozen=True)
class Measurement:
    """What was measured of a model.

    Attributes:
        iteration: The iteration that the model had reached.
        values: The numbers, by name.
        real: What held-out real samples, as many where there are so many, score by the same metrics: the floor.
        protocol: How it was made; two numbers may be compared when what concerns them here is equal.
    """

    iteration: int
    values: dict[str, float]
    real: dict[str, float]
    protocol: dict[str, Any]


def fitting(metrics: dict[str, Metric], reference: Reference) -> dict[str, Metric]:
    """Return the metrics that can judge this data with this extractor.

    Raises:
        ConfigError: None of them can, or the extractor refuses the images that some of them need it for.
    """
    if reference.extractor is not None and any(metric.needs_features for metric in metrics.values()):
        reference.check_features()  # it was chosen: without it, what was asked for would be missing without a word
    found, refusals = {}, []
    for name, metric in metrics.items():
        try:
            if metric.needs_features:
                reference.check_features()
            metric.check(reference)
            found[name] = metric
        except ConfigError as error:
            refusals.append(error)
    if refusals and not found:
        raise refusals[0]
    return found


def enough(metrics: dict[str, Metric], reference: Reference, count: int, key: str) -> dict[str, Metric]:
    """Return the metrics that can say something of so few samples; print of the others why they are left out.

    Arguments:
        metrics: What is to be measured, by name.
        reference: What to measure against; the files of its data are ready.
        count: Number of generated samples.
        key: The option that says so.

    Raises:
        ConfigError: None of them can, and more samples would help.
    """
    least = max((metric.least for metric in metrics.values()), default=1)
    there = least if least == 1 else len(reference.real("train", least))
    found = {name: metric for name, metric in metrics.items() if metric.least <= min(count, there)}
    for name in metrics.keys() - found.keys():
        reason = f"needs {metrics[name].least} samples and as many training samples"
        if not found and metrics[name].least <= there:
            raise ConfigError(f"{name} {reason}", key)
        few = f"there are {there}" if there < metrics[name].least else f"{key} is {count}"
        print(f"ganexp: {name} is left out: it {reason}, and {few}", file=sys.stderr, flush=True)
    return found


def prepare(metrics: dict[str, Metric], reference: Reference) -> None:
    """Prepare what the metrics need of the reference, once per machine.

    Raises:
        ConfigError: Something is not available.
    """
    reference.prepare(features=any(metric.needs_features for metric in metrics.values()))


def goals(metrics: dict[str, Metric]) -> dict[str, str]:
    """Return the values by which one model is better than another, and whether lower (min) or higher (max) is better."""
    return {value: goal for metric in metrics.values() for value, goal in metric.goals.items()}


def measure(
    model: "GAN",
    metrics: dict[str, Metric],
    reference: Reference,
    settings: dict[str, Any],
    count: int,
    seed: int,
    batch_size: int = 500,
) -> Measurement:
    """Measure fresh samples, and what the model says of itself.

    Arguments:
        model: The model, on any device; its averaged generator is judged where it has one.
        metrics: What to measure, by name.
        reference: What to measure against, prepared.
        settings: The options of each metric, for the protocol.
        count: Number of generated samples.
        seed: Seed of the latents and labels. They are drawn on the CPU, so that it means the same on every machine.
        batch_size: Samples that are generated at a time; no part of the protocol.
    """
    values: dict[str, float] = {}
    real: dict[str, float] = {}
    # Some metrics draw subsets from the global generators.
    with torch.random.fork_rng([model.device] if model.device.type == "cuda" else []):
        reference.device = model.device
        if metrics:  # else nothing is drawn
            samples = generate(model, reference, count, seed, batch_size)
            for metric in metrics.values():
                values |= metric(samples, reference)
            real = _floor(metrics, reference, count, samples.y is not None)
        values |= model.evaluate()
    made = protocol(model, metrics, reference, settings, count, seed)
    return Measurement(model.counters.iteration, values, real, made)


def collapses(metrics: dict[str, Metric], made: Measurement) -> list[str]:
    """Return the collapses of diversity that a measurement shows, a sentence each."""
    return [sentence for metric in metrics.values() if (sentence := metric.collapse(made.values))]


def narrownesses(metrics: dict[str, Metric], made: Measurement) -> list[str]:
    """Return in what the samples of a measurement are less spread than the data, a sentence each."""
    return [sentence for metric in metrics.values() if (sentence := metric.narrowness(made.values, made.real))]


def protocol(
    model: "GAN", metrics: dict[str, Metric], reference: Reference, settings: dict[str, Any], count: int, seed: int
) -> dict[str, Any]:
    """Return how :func:`measure` makes a measurement of these arguments."""
    return {
        **reference.describe(),
        "samples": count,
        "real": len(reference.real("test", count)) if metrics else 0,
        "ema": model.average is not None,
        "seed": seed,
        "metrics": {name: settings[name] for name in metrics},
    }


def generate(model: "GAN", reference: Reference, count: int, seed: int, batch_size: int) -> Samples:
    """Return fresh samples to measure, with the labels that the generator was given if these are classes of the data."""
    generator = torch.Generator().manual_seed(seed)
    y, z = model.sample_labels(count, generator), model.sample_latent(count, generator)
    parts = zip(z.split(batch_size), y.split(batch_size), strict=True)
    # Stored as the data is stored: bytes, of images, so that many need little memory.
    raw = torch.cat([model.data.encode(model.sample(*part)) for part in parts])
    return reference.samples(raw, y if model.conditional and model.label_classes else None)


def _floor(metrics: dict[str, Metric], reference: Reference, count: int, labelled: bool) -> dict[str, float]:
    """Return what real samples score, with their labels or without."""
    values: dict[str, float] = {}
    for metric in metrics.values():
        key = (metric, count, labelled)
        if key not in reference.floors:
            real = reference.real(metric.floor, count)
            floor = metric(real if labelled else real.without_labels(), reference)
            reference.floors[key] = {name: value for name, value in floor.items() if not math.isnan(value)}
        values |= reference.floors[key]
    return values
