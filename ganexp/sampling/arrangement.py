"""What is sampled, and how it lies on a picture: latents, labels, and rows of them that belong together.

Contract: all follow from the options and the seed alone.
"""

from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.models import GAN
from ganexp.sampling.directions import directions
from ganexp.sampling.labels import choose_classes, choose_conditions, class_names, mixtures
from ganexp.sampling.latents import draw, interpolate, spread
from ganexp.sampling.options import Options


@dataclass(frozen=True)
class Arrangement:
    """Latents and labels in their order.

    Attributes:
        z: Latents with shape (N, latent_dim), on the CPU.
        y: Labels: classes with shape (N,), zeros if the generator takes none; or vectors with shape (N, label_size).
        columns: Samples that stand in each row; 0: rows mean nothing.
        words: What is sampled, for a line.
        titles: What is written above each sample, N texts, or none.
        row_titles: What is written beside each row, or none.
    """

    z: Tensor
    y: Tensor
    columns: int
    words: str
    titles: tuple[str, ...] = ()
    row_titles: tuple[str, ...] = ()


def arrange(model: GAN, options: Options) -> Arrangement:
    """Draw latents and labels as the options say.

    Raises:
        ConfigError: They do not fit the model.
    """
    generator = torch.Generator().manual_seed(options.seed)
    if options.mix:
        return _mixed(model, options, generator)
    if options.sweep_latent:
        return _swept(model, options, generator)
    classes = choose_classes(model, options.classes)
    if options.classes is not None and len(classes) > options.n:
        raise ConfigError(f"{len(classes)} classes need as many samples", "n", "classes", hint=f"use n={len(classes)}")
    n, y, titles = options.n, spread(options.n, classes), list[str]()
    names = class_names(model)
    if options.interpolate != "none":
        if options.interpolate == "spherical" and model.noise != "normal":
            why = f"this run has model.noise={model.noise}, and only normal latents are near a sphere"
            raise ConfigError(why, "interpolate", hint="use interpolate=linear")
        start, end = draw(model, 2 * n, generator, options.truncation).cpu().chunk(2)
        z = interpolate(start, end, options.steps, options.interpolate).flatten(0, 1)
        if model.label_size and not model.label_classes:
            y, titles = choose_conditions(model, n, options.conditions, generator)
            if titles:
                raise ConfigError("a row shows either values of an attribute or an interpolation", "conditions", "interpolate")
        rows = tuple(names[label] for label in y) if names else ()
        words = f"{n:,} {options.interpolate} rows of {options.steps}"
        return Arrangement(z, y.repeat_interleave(options.steps, 0), options.steps, words, row_titles=rows)
    z = draw(model, n, generator, options.truncation).cpu()
    if options.conditions or (model.label_size and not model.label_classes):
        y, titles = choose_conditions(model, n, options.conditions, generator)
        if titles:
            z = z.repeat_interleave(len(titles), 0)
            words = f"{n:,} rows of {len(titles)}"
            return Arrangement(z, y, len(titles), words, titles=tuple(titles) * n)
        return Arrangement(z, y, 0, f"{n:,}")
    return Arrangement(z, y, 0, f"{n:,}")


def _mixed(model: GAN, options: Options, generator: torch.Generator) -> Arrangement:
    """Let each row keep its latent, and go from one class to another."""
    assert options.mix is not None
    labels, names = mixtures(model, options.mix, options.steps)
    z = draw(model, options.n, generator, options.truncation).cpu().repeat_interleave(options.steps, 0)
    words = f"{options.n:,} rows of {options.steps} from {names[0]} to {names[1]}"
    return Arrangement(z, labels.repeat(options.n, 1), options.steps, words)


def _swept(model: GAN, options: Options, generator: torch.Generator) -> Arrangement:
    """Move one latent along the directions with the largest effect, a row for each; the classes one after the other."""
    classes = choose_classes(model, options.classes) if options.classes is not None else [0]
    z = draw(model, 1, generator, options.truncation).cpu()
    labels = torch.arange(max(model.label_classes, 1))
    if model.label_size and not model.label_classes:
        labels = choose_conditions(model, 1, options.conditions, generator)[0][:1]
    found, shares = directions(model, options.sweep_latent, labels, generator, options.batch_size)
    along = torch.linspace(-options.reach, options.reach, options.steps)
    rows = (z + along[None, :, None] * found[:, None, :]).flatten(0, 1).repeat(len(classes), 1)
    if model.noise == "uniform":
        rows = rows.clamp(-1, 1)
    y = labels.expand(len(rows), -1) if labels.ndim > 1 else torch.tensor(classes).repeat_interleave(len(rows) // len(classes))
    titles = [f"{number}: {100 * share:.0f} %" for number, share in enumerate(shares.tolist(), 1)]
    if len(classes) > 1:
        titles = [f"{class_names(model)[label]}, {title}" for label in classes for title in titles]
    words = f"{len(titles):,} rows of {options.steps} along {len(found)} direction{'s' * (len(found) > 1)}"
    return Arrangement(rows, y, options.steps, words, row_titles=tuple(titles))


def rows_of_classes(y: Tensor) -> list[int]:
    """Return how many samples of each class follow each other."""
    return [len(list(group)) for _, group in groupby(y.tolist())]
