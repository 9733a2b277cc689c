"""Any folder of images, decoded once and then mapped into memory.

Contract: every image becomes its largest centred part of one aspect, resized; the bytes that `ImageFolder.load` returns, and
the fingerprint, are a function of the content of the files, the order of their names and the options alone: not of where the
folder is, nor of when its files were written.
"""

import json
import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.config.types import PositiveFloat, PositiveInt
from ganexp.data.base import Split, cache_folder, digest
from ganexp.data.content import UnreadableFiles, digest_of, digests
from ganexp.data.decoding import Decoder, Limits, Seen, TooLarge, check_limits, own_limit
from ganexp.data.found import Found
from ganexp.data.images import ImageOptions, Images
from ganexp.data.labelled import label, stacked
from ganexp.data.scan import scan, shown
from ganexp.runs.files import whole_file, write_json

Made = TypeVar("Made")

# Part of every key: another number makes the images that an older version has decoded invalid.
FORMAT = 2

# Side in pixels of the images, by default.
SIZE = 64

# Images that a worker reads between two writes, seconds after which a progress bar appears, and files that a refusal names.
CHUNK = 32
PATIENCE = 2.0
NAMED = 5


class ImageFolder(Images):
    """The images in a folder and everything below it, by class or not.

    Two or more sub-folders with images, and no image beside them, are classes, named and numbered in sorted order; otherwise
    there are no labels, unless a table has them. Where the folder has `train` and `test` (or `val`), these are the splits.
    :mod:`ganexp.data.scan` says what is found, `found` what was. The images come in sorted order; classes take turns, the first
    of each, then the second of each, so that a subset is even over them.

    An image is turned as its camera says (EXIF), laid over white where it is transparent, converted to `colour` with 8 bits
    per channel, cut to its largest centred square, or to the aspect of `size`, and resized (bicubic, antialiased). Of an
    animation the first frame counts.

    All images are decoded once, into one file in `ganexp/folders` of the user's cache folder, which later runs map into
    memory. It is named by the content of the files, so that a copy of the folder needs no other; content is looked at again
    when names, sizes or times of the files have changed.

    Arguments:
        path: The folder.
        colour: `rgb`, three channels; `grey`, one; or `rgba`, four, the last one being opacity.
        held_out: Every how many-th image of each class is held out for testing, unless the folder has splits of its own; None
            holds out none. Where none is held out, also because there are too few, the test split is the training split.
        labels: A ``.csv`` with the labels, in place of the names of sub-folders; see :func:`ganexp.data.labelled.label`.
        limits: What is black and what is white in grey images of more than 8 bits or of floats, such as (0, 4095) of a camera
            of 12 bits whose files have 16; what is beyond is clipped. None: what each file states.
        largest: The largest image, in millions of pixels: one with more may be made to fill the memory.
        workers: Threads that decode; by default one per CPU.
        options: See :class:`ganexp.data.ImageOptions`; the default of `size` is 64.

    Raises:
        ConfigError: The folder is missing or has no images.
    """

    def __init__(
        self,
        path: str,
        colour: Literal["rgb", "grey", "rgba"] = "rgb",
        held_out: Annotated[int, Field(ge=2)] | None = 10,
        labels: str | None = None,
        limits: Limits | None = None,
        largest: PositiveFloat = 179.0,
        workers: PositiveInt | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        self.shape = ({"rgb": 3, "grey": 1, "rgba": 4}[colour], SIZE, SIZE)
        super().__init__(**options)
        check_limits(limits)
        self.path = user_path(path).absolute()
        self.workers = workers or os.cpu_count() or 1
        self._scan, self._vectors = scan(self.path, by_class=labels is None), dict[str, Tensor]()
        if labels is not None:
            labelled = label(self._scan, user_path(labels).absolute())
            self._scan, self.attributes, self._vectors = labelled.scan, labelled.attributes, labelled.vectors
        self._decoder = Decoder(self.shape[0], (self.shape[2], self.shape[1]), limits, largest)
        self.class_names = self._scan.classes
        self.num_classes = len(self.class_names or ())
        self.unlabelled = self._scan.unlabelled
        # Training images first, so that each split is one piece of the file.
        if self._scan.test is None:
            turns = _turns(self._scan.train)
            self._train = [turn[1:] for turn in turns if held_out is None or turn[0] % held_out]
            self._test = [turn[1:] for turn in turns if held_out is not None and turn[0] % held_out == 0]
        else:
            self._train, self._test = ([turn[1:] for turn in _turns(part)] for part in (self._scan.train, self._scan.test))
        if self.class_names:
            counts = np.bincount([label for label, _ in self._train[: self.subset]], minlength=self.num_classes)
            self.class_weights = tuple(counts.astype(float).tolist())
        self._folder = cache_folder("folders")

    def prepare(self) -> None:
        """Decode the images unless that was done before.

        Raises:
            ConfigError: A file is no image that can be read, or the result cannot be written.
        """
        self._images()

    def read(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Map the images (uint8, (N, *shape)) into memory; their classes (int64, (N,)), or None without classes."""
        images = self._images()
        count = len(self._train)
        chosen, part = (self._test, slice(count, None)) if split == "test" and self._test else (self._train, slice(count))
        if self.attributes:
            return images[part], stacked(self._vectors, [name for _, name in chosen])
        return images[part], torch.tensor([label for label, _ in chosen]) if self.class_names else None

    def conditions(self) -> Tensor:
        """Return the vectors of the training images, without decoding any."""
        return stacked(self._vectors, [name for _, name in self._train[: self.subset]])

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the files' content, their classes and how they are read; equal for a copy of the folder."""
        labels = f"{self.class_names} {[label for label, _ in self._train + self._test]}" if self.class_names else ""
        vectors = [stacked(self._vectors, self._names)] if self.attributes else []
        return digest(self._key, labels, f"{len(self._train)} {self.subset}", *vectors)

    @property
    def found(self) -> Found:
        """What was found in the folder; sizes and depths once the images have been decoded."""
        counts = np.bincount([label for label, _ in self._train + self._test], minlength=self.num_classes)
        try:
            seen = json.loads(self._file(".json").read_bytes())
        except (OSError, ValueError):
            seen = {}
        return Found(
            images=len(self._names),
            train=len(self._train),
            held_out=len(self._test),
            classes=dict(zip(self.class_names or (), counts.tolist(), strict=False)),
            attributes=self.attributes.names if self.attributes else (),
            unlabelled=self.unlabelled,
            size=self.shape[:0:-1],
            limits=self._decoder.limits,
            left_out=self._scan.left_out,
            **seen,
        )

    @property
    def _names(self) -> list[str]:
        return [name for _, name in self._train + self._test]

    def _images(self) -> Tensor:
        """Return the images of both splits, mapped; decode them if need be."""
        try:
            file = self._file(".npy")
            images = self._map(file)
            if images is None:
                self._check_space()
                with whole_file(file) as stream:
                    self._decode(stream)
                images = self._map(file)
        except OSError as error:
            where = error.filename or self._folder
            hint = "give it space and rights, or name another cache folder by the environment variable XDG_CACHE_HOME"
            raise ConfigError(f"cannot store the decoded images: {where}: {error.strerror}", "data", hint=hint) from error
        assert images is not None
        return images

    def _file(self, suffix: str) -> Path:
        return self._folder / f"{self._key}{suffix}"

    @cached_property
    def _key(self) -> str:
        """Name what the bytes depend on: the content of the files in their order, and how they are decoded."""
        try:
            content = digests(self.path, self._names, self._folder, lambda work: self._each(work, "reading"))
        except UnreadableFiles as error:
            raise self._unreadable(error.files) from error
        return digest_of(f"{FORMAT} {self.shape} {self._decoder.limits}", *content)

    def _map(self, file: Path) -> Tensor | None:
        """Map a file of images into memory; None where there is no whole one."""
        try:
            images = np.load(file, mmap_mode="r")
        except (FileNotFoundError, ValueError, EOFError):
            return None
        if images.shape != (len(self._names), *self.shape) or images.dtype != np.uint8:
            return None
        with warnings.catch_warnings():
            # A writable map would count as memory used, and be refused where the file is larger than that; nobody writes.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.from_numpy(images)

    def _check_space(self) -> None:
        needed = len(self._names) * int(np.prod(self.shape))
        above = next(folder for folder in (self._folder, *self._folder.parents) if folder.is_dir())
        if needed > (free := shutil.disk_usage(above).free):
            raise ConfigError(
                f"the decoded images take {needed / 1e9:,.1f} GB, and {self._folder} has space for {free / 1e9:,.1f} GB",
                "data.size",
                hint="use a smaller size, or name another cache folder by the environment variable XDG_CACHE_HOME",
            )

    def _decode(self, stream: BinaryIO) -> None:
        """Write the images, and beside them what they were.

        Raises:
            ConfigError: Some cannot be read; the first few are named.
        """
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(self._names), *self.shape)}
        np.lib.format.write_array_header_1_0(stream, header)
        seen: list[Seen] = []
        broken: list[tuple[str, Exception]] = []
        with own_limit():
            for name, made in zip(self._names, self._each(self._decoder, "decoding"), strict=True):
                if isinstance(made, Exception):
                    broken.append((name, made))
                else:
                    stream.write(made[0].tobytes())
                    seen.append(made[1])
        if broken:
            raise self._unreadable(broken)
        write_json(self._file(".json"), _report(seen))

    def _each(self, work: Callable[[Path], Made], doing: str) -> Iterator[Made]:
        """Do something to all files, in their order, by several threads."""
        from tqdm import tqdm

        progress = tqdm(total=len(self._names), desc=f"{doing} images", unit="", disable=None, delay=PATIENCE, leave=False)
        with progress, ThreadPoolExecutor(self.workers) as pool:
            # Piece by piece: a pool whose results are not fetched keeps them all.
            for start in range(0, len(self._names), CHUNK * self.workers):
                files = [self.path / name for name in self._names[start : start + CHUNK * self.workers]]
                yield from pool.map(work, files)
                progress.update(len(files))

    def _unreadable(self, broken: list[tuple[str, Exception]]) -> ConfigError:
        reasons = [f"{shown(self.path / name)}: {reason_of(error)}" for name, error in broken[:NAMED]]
        more = f"; and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
        large = [error.megapixels for _, error in broken if isinstance(error, TooLarge)]
        hints = [f"data.largest={math.ceil(max(large))} takes those that are too large"] if large else []
        hints += ["replace or remove what is broken"] if len(large) < len(broken) else []
        keys = ("data.path", "data.largest") if large else ("data.path",)
        what = "an image cannot" if len(broken) == 1 else f"{len(broken):,} images cannot"
        return ConfigError(f"{what} be read: {'; '.join(reasons)}{more}", *keys, hint="; ".join(hints))


def _turns(classes: list[list[str]]) -> list[tuple[int, int, str]]:
    """Return the images of all classes as their number in the class, counted from 1, the class and the name, by turns."""
    return sorted((rank, label, name) for label, group in enumerate(classes) for rank, name in enumerate(group, start=1))


def _report(seen: list[Seen]) -> dict[str, Any]:
    """Return what images were, as :class:`Found` has it."""
    sizes = sorted((one.size for one in seen), key=lambda size: size[0] * size[1])
    deep = {bits: [one for one in seen if one.bits == bits] for bits in sorted({one.bits for one in seen} - {8})}
    return {
        "smallest": sizes[0],
        "largest": sizes[-1],
        "deep": {str(bits): len(group) for bits, group in deep.items()},
        "brightest": {str(bits): max(one.brightest for one in group) for bits, group in deep.items()},
    }


def reason_of(error: Exception) -> str:
    """Return why an image cannot be read, in a few words."""
    text = shown(" ".join(str((isinstance(error, OSError) and error.strerror) or error).split()))
    return "it is no image that Pillow knows" if text.startswith("cannot identify") else text or type(error).__name__
