"""What a sample command makes: latents and labels, samples in batches, and the picture, images or archive of them.

Contract: the latents and labels follow from the seed and the options alone; samples are generated and written batch by batch,
so that images and archives need no more memory for many than for few.
"""

import unicodedata
from collections.abc import Iterator
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganexp.config.compose import file_name, near_miss
from ganexp.config.errors import ConfigError
from ganexp.metrics.neighbours import Neighbours, Reference
from ganexp.models import GAN
from ganexp.pictures import GAP_GREY, coloured, draw, image_grid, save_png, to_bytes
from ganexp.sampling.latents import draw as draw_latents
from ganexp.sampling.latents import interpolate, spread
from ganexp.sampling.options import Options
from ganexp.sampling.writers import save_images, save_npz
from ganexp.training.restore import Restored


class Sampling:
    """Latents and labels, and what becomes of them. Nothing is generated before :meth:`save`.

    Arguments:
        restored: The trained model.
        options: What to make of it.

    Raises:
        ConfigError: The options do not fit the model or its data, or this machine.

    Attributes:
        z: Latents with shape (N, latent_dim), on the CPU; those of one row of an interpolation follow each other.
        y: Labels with shape (N,), on the CPU, equal ones together; zeros if the generator takes none.
    """

    def __init__(self, restored: Restored, options: Options) -> None:
        self.model, self.data, self.options, self.iteration = restored.model, restored.data, options, restored.iteration
        self._check()
        device = choose_device(options.accelerator)
        classes = choose_classes(self.model, options.classes)
        if options.classes is not None and len(classes) > options.n:
            raise ConfigError(f"{len(classes)} classes need as many samples", "n", "classes", hint=f"use n={len(classes)}")
        generator = torch.Generator().manual_seed(options.seed)
        self.y = spread(options.n, classes)
        if options.interpolate == "none":
            self.z = draw_latents(self.model, options.n, generator, options.truncation)
        else:
            start, end = draw_latents(self.model, 2 * options.n, generator, options.truncation).chunk(2)
            self.z = interpolate(start, end, options.steps, options.interpolate).flatten(0, 1)
            self.y = self.y.repeat_interleave(options.steps)
        self._reference = Reference(self.data, options.neighbours) if options.neighbours else None
        self.model.to(device)

    def save(self, path: Path) -> None:
        """Write what was asked for."""
        {"grid": self._save_grid, "png": self._save_images, "npz": self._save_npz}[self.options.format](path)

    def batches(self) -> Iterator[Tensor]:
        """Generate the samples, batch by batch, on the model's device."""
        size, device = self.options.batch_size, self.model.device
        for z, y in zip(self.z.split(size), self.y.split(size), strict=True):
            yield self.model.sample(z.to(device), y.to(device))

    def summary(self) -> str:
        """Say in a line what was written."""
        options = self.options
        count = (
            f"{len(self.z):,}"
            if options.interpolate == "none"
            else f"{options.n:,} {options.interpolate} rows of {options.steps}"
        )
        parts = [f"{count} {'image' if self._images else 'point'}{'s' * (len(self.z) > 1)}"]
        if self.model.label_classes:
            classes = [self._names[label] for label in self.y.unique()]
            parts.append(f"{len(classes)} classes" if len(classes) > 1 else f"class {classes[0]}")
        if options.neighbours:
            parts.append(f"{options.neighbours} neighbour{'s' * (options.neighbours > 1)} each")
        which = "generator" if self.model.average is None else "averaged generator"
        return f"{', '.join(parts)}; {which} at iteration {self.iteration:,}, seed {options.seed}"

    # What is written -------------------------------------------------------------------------------------------------------

    def _save_grid(self, path: Path) -> None:
        samples = torch.cat([batch.cpu() for batch in self.batches()])
        save_png(self._picture(samples), path)

    def _picture(self, samples: Tensor) -> np.ndarray:
        options, named = self.options, self.model.label_classes > 0
        if not self._images:
            labelled = 0 < self.model.label_classes <= self.data.num_classes
            return draw(self.data, samples, self.y if labelled else None)
        if self._reference is not None:
            found = self._reference.nearest(samples)
            titles = [title for row in found.distances.tolist() for title in ("sample", *(f"{d:.3g}" for d in row))]
            shown = torch.cat([samples[:, None], self._reference.samples(found.indices)], dim=1)
            names = [self._names[label] for label in self.y] if named else []
            return draw(self.data, shown.flatten(0, 1), None, shown.shape[1], titles, names)
        if options.interpolate != "none":
            names = [self._names[label] for label in self.y[:: options.steps]] if named else []
            return draw(self.data, samples, None, options.steps, row_titles=names)
        counts = [len(list(group)) for _, group in groupby(self.y.tolist())]
        if len(counts) == 1:
            return draw(self.data, samples)
        assert self.data.value_range is not None
        shown = coloured(to_bytes(samples, self.data.value_range))
        # A shorter row ends in images of the colour of the gaps, which do not show.
        blank = shown.new_full(shown.shape[1:], GAP_GREY)
        rows = [torch.cat([row, blank.expand(max(counts) - len(row), -1, -1, -1)]) for row in shown.split(counts)]
        names = [self._names[label] for label in self.y.unique_consecutive()]
        return image_grid(torch.cat(rows), self.data.value_range, max(counts), row_titles=names)

    def _save_images(self, path: Path) -> None:
        assert self.data.value_range is not None
        digits = max(5, len(str(len(self.z) - 1)))
        names = [f"{index:0{digits}d}" for index in range(len(self.z))]
        if self.model.label_classes:
            names = [file_name(f"{name}-{self._names[label]}") for name, label in zip(names, self.y.tolist(), strict=True)]
        save_images(path, (batch.cpu().numpy() for batch in self.batches()), self.data.value_range, names)

    def _save_npz(self, path: Path) -> None:
        found: list[Neighbours] = []

        def samples() -> Iterator[np.ndarray]:
            for batch in self.batches():
                if self._reference is not None:
                    found.append(self._reference.nearest(batch))
                yield batch.cpu().numpy()

        def rest() -> dict[str, np.ndarray]:
            arrays = {"labels": self.y} if self.model.label_classes else {}
            arrays["z"] = self.z
            if found:
                indices, distances = zip(*found, strict=True)
                arrays |= {"neighbours": torch.cat(indices), "distances": torch.cat(distances)}
            return {name: array.numpy() for name, array in arrays.items()}

        save_npz(path, (len(self.z), *self.data.shape), samples(), rest)

    # What the run's data and model allow -----------------------------------------------------------------------------------

    @property
    def _images(self) -> bool:
        return len(self.data.shape) == 3

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return class_names(self.model)

    def _check(self) -> None:
        options = self.options
        if options.format == "png" and not self._images:
            raise ConfigError("points cannot be written as single images", "format", hint="use format=grid or format=npz")
        if options.format == "png" and self.data.shape[0] not in (1, 3, 4):
            message = f"a PNG has 1, 3 or 4 channels, and these images have {self.data.shape[0]}"
            raise ConfigError(message, "format", hint="use format=grid or format=npz")
        if options.neighbours and options.format == "grid" and not self._images:
            raise ConfigError("neighbours of points are not drawn", "neighbours", "format", hint="use format=npz")
        if options.interpolate == "spherical" and self.model.noise != "normal":
            hint = "use interpolate=linear"
            raise ConfigError("this run's latents are uniform, in a cube", "interpolate", hint=hint)


def class_names(model: GAN) -> tuple[str, ...]:
    """Return what the classes of a model's generator are called, their numbers if they have no names."""
    return model.label_names or tuple(map(str, range(model.label_classes)))


def choose_classes(model: GAN, wanted: str | list[str] | None) -> list[int]:
    """Return the numbers of the classes that are meant; [0] for a generator that takes no labels.

    Arguments:
        model: The model.
        wanted: A name, a list of them, or ``"all"``; None is all, too. Where no class is named by a number, a number, too.

    Raises:
        ConfigError: There is no such class, or no class at all.
    """
    if not model.label_classes:
        if wanted is not None:
            raise ConfigError("this run's generator takes no labels", "classes", hint="leave it out")
        return [0]
    numbers = {_composed(name): number for number, name in enumerate(class_names(model))}
    if wanted is None or (wanted == "all" and "all" not in numbers):
        return list(range(model.label_classes))
    if not any(name.isdecimal() for name in numbers):  # else a number would be two classes, by its name and by its place
        numbers |= {str(number): number for number in range(model.label_classes)}
    chosen = []
    for one in map(_composed, wanted if isinstance(wanted, list) else [wanted]):
        if one not in numbers:
            meant, names = near_miss(one, numbers), class_names(model)
            listed = f"choices: {', '.join(names)}" if model.label_names else f"they are 0 to {model.label_classes - 1}"
            raise ConfigError(f"there is no class {one}", "classes", hint=f"did you mean {meant}?" if meant else listed)
        chosen.append(numbers[one])
    if not chosen:
        raise ConfigError("at least one class is needed", "classes")
    return list(dict.fromkeys(chosen))


def _composed(name: str) -> str:
    """Return a name as it is usually typed: macOS names files by letters and their accents apart."""
    return unicodedata.normalize("NFC", name)


def choose_device(accelerator: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``gpu``.

    Raises:
        ConfigError: There is no GPU that torch can use.
    """
    there = torch.accelerator.is_available()
    if accelerator == "gpu" and not there:
        raise ConfigError("not available: torch finds no such device", "accelerator", hint="use accelerator=cpu")
    found = torch.accelerator.current_accelerator() if there and accelerator != "cpu" else None
    return found or torch.device("cpu")
