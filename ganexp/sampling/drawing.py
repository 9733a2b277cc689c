"""What a sample command makes: latents and labels, samples in batches, and the picture, images or archive of them.

Contract: the latents and labels follow from the seed and the options alone; samples are generated and written batch by batch,
so that images and archives need no more memory for many than for few.
"""

import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganexp.config.compose import file_name
from ganexp.config.errors import ConfigError
from ganexp.data.attributes import Attributes
from ganexp.metrics.neighbours import Neighbours, Reference
from ganexp.pictures import GAP_GREY, coloured, draw, image_grid, save_png, to_bytes
from ganexp.sampling.arrangement import Arrangement, arrange, rows_of_classes
from ganexp.sampling.labels import choose_classes, class_names
from ganexp.sampling.options import Options
from ganexp.sampling.projection import Projection, check_projectable, project, read_images
from ganexp.sampling.writers import save_images, save_npz
from ganexp.training.restore import Restored


class Sampling:
    """Latents and labels, and what becomes of them. Nothing is generated before it is asked for.

    Arguments:
        restored: The trained model.
        options: What to make of it.

    Raises:
        ConfigError: The options do not fit the model or its data, or this machine.
    """

    def __init__(self, restored: Restored, options: Options) -> None:
        self.model, self.data, self.options, self.iteration = restored.model, restored.data, options, restored.iteration
        self._check()
        self.model.to(choose_device(options.accelerator))
        self._given = read_images(options.project, check_projectable(self.model)) if options.project is not None else None
        self._arranged = arrange(self.model, options) if self._given is None else None
        self._reference = Reference(self.data, options.neighbours) if options.neighbours else None

    @property
    def z(self) -> Tensor:
        """Latents with shape (N, latent_dim), on the CPU; those of one row follow each other."""
        return self.arrangement.z

    @property
    def y(self) -> Tensor:
        """Labels, on the CPU: classes with shape (N,), or vectors with shape (N, label_size); zeros if it takes none."""
        return self.arrangement.y

    @property
    def arrangement(self) -> Arrangement:
        """What is sampled, and in which order."""
        if self._arranged is None:
            found = self._projection
            self._arranged = Arrangement(found.z, found.y, 0, f"the nearest samples to {len(found.z):,}")
        return self._arranged

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
        options, words = self.options, self.arrangement.words
        parts = [f"{words} {'image' if self._images else 'point'}{'s' * (words != '1')}" if words[-1].isdecimal() else words]
        if self._has_classes:
            classes = [self._names[label] for label in self.y.unique()]
            parts.append(f"{len(classes)} classes" if len(classes) > 1 else f"class {classes[0]}")
        if options.neighbours:
            parts.append(f"{options.neighbours} neighbour{'s' * (options.neighbours > 1)} each")
        if self._given is not None:
            parts.append(f"distances from {self._projection.distances.min():.3g} to {self._projection.distances.max():.3g}")
        which = "generator" if self.model.average is None else "averaged generator"
        return f"{', '.join(parts)}; {which} at iteration {self.iteration:,}, seed {options.seed}"

    # What is written -------------------------------------------------------------------------------------------------------

    def _save_grid(self, path: Path) -> None:
        samples = torch.cat([batch.cpu() for batch in self.batches()])
        save_png(self._picture(samples), path)

    def _picture(self, samples: Tensor) -> np.ndarray:
        made, classes = self.arrangement, self._has_classes
        if not self._images:
            return draw(self.data, samples, self.y if classes and self.model.label_classes <= self.data.num_classes else None)
        if self._given is not None:
            return self._side_by_side(samples)
        if self._reference is not None:
            found = self._reference.nearest(samples)
            titles = [title for row in found.distances.tolist() for title in ("sample", *(f"{d:.3g}" for d in row))]
            shown = torch.cat([samples[:, None], self._reference.samples(found.indices)], dim=1)
            names = [self._names[label] for label in self.y] if classes else []
            return draw(self.data, shown.flatten(0, 1), None, shown.shape[1], titles, names)
        if made.columns:
            return draw(self.data, samples, None, made.columns, made.titles, made.row_titles)
        counts = rows_of_classes(self.y) if classes else [len(samples)]
        if len(counts) == 1:
            return draw(self.data, samples)
        assert self.data.value_range is not None
        rgb = coloured(to_bytes(samples, self.data.value_range))
        # A shorter row ends in images of the colour of the gaps, which do not show.
        blank = rgb.new_full(rgb.shape[1:], GAP_GREY)
        rows = [torch.cat([row, blank.expand(max(counts) - len(row), -1, -1, -1)]) for row in rgb.split(counts)]
        names = [self._names[label] for label in self.y.unique_consecutive()]
        return image_grid(torch.cat(rows), self.data.value_range, max(counts), row_titles=names)

    def _side_by_side(self, samples: Tensor) -> np.ndarray:
        """Draw each image beside its nearest sample, under its distance and, where there are classes, the class of it."""
        found, pairs = self._projection, max(round(math.sqrt(len(samples) / 2)), 1)
        names = [f"{self._names[label]}, " if self._has_classes else "" for label in self.y]
        titles = [text for name, d in zip(names, found.distances.tolist(), strict=True) for text in ("image", f"{name}{d:.3g}")]
        shown = torch.stack([found.images, samples], 1).flatten(0, 1)
        return draw(self.data, shown, None, 2 * pairs, titles)

    def _save_images(self, path: Path) -> None:
        assert self.data.value_range is not None
        digits = max(5, len(str(len(self.z) - 1)))
        names = [f"{index:0{digits}d}" for index in range(len(self.z))]
        if self._has_classes:
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
            arrays = {name: array.numpy() for name, array in self._known().items()}
            if found:
                indices, distances = zip(*found, strict=True)
                arrays |= {"neighbours": torch.cat(indices).numpy(), "distances": torch.cat(distances).numpy()}
            if self._attributes is not None:
                arrays["condition_names"] = np.array(self._attributes.names)
            if self._given is not None:
                arrays["names"] = np.array(self._projection.names)
            return arrays

        save_npz(path, (len(self.z), *self.data.shape), samples(), rest)

    def _known(self) -> dict[str, Tensor]:
        """Return what is known of the samples, by its name in an archive."""
        arrays = {"labels": self.y} if self.model.label_classes else {}
        if self._attributes is not None:
            arrays["conditions"] = self._attributes.decode(self.y)
        if self._given is not None:
            arrays |= {"images": self._projection.images, "distances": self._projection.distances}
        return {**arrays, "z": self.z}

    # What the run's data and model allow -----------------------------------------------------------------------------------

    @property
    def _images(self) -> bool:
        return len(self.data.shape) == 3

    @property
    def _has_classes(self) -> bool:
        """Whether each sample is of one class of the generator."""
        return self.model.label_classes > 0 and not self.y.is_floating_point()

    @property
    def _attributes(self) -> Attributes | None:
        """The attributes by which the generator is asked; None: it is not."""
        return self.data.attributes if self.model.label_size and not self.model.label_classes else None

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return class_names(self.model)

    @cached_property
    def _projection(self) -> Projection:
        """The latents of the given images."""
        assert self._given is not None
        labels = torch.tensor(choose_classes(self.model, self.options.classes))
        if self._attributes is not None:
            labels = self.data.conditions()
        generator = torch.Generator().manual_seed(self.options.seed)
        return project(self.model, *self._given, labels, self.options.iterations, generator)

    def _check(self) -> None:
        options = self.options
        if options.format == "png" and not self._images:
            raise ConfigError("points cannot be written as single images", "format", hint="use format=grid or format=npz")
        if options.format == "png" and self.data.shape[0] not in (1, 3, 4):
            message = f"a PNG has 1, 3 or 4 channels, and these images have {self.data.shape[0]}"
            raise ConfigError(message, "format", hint="use format=grid or format=npz")
        if options.neighbours and options.format == "grid" and not self._images:
            raise ConfigError("neighbours of points are not drawn", "neighbours", "format", hint="use format=npz")


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
