"""Images that are decoded once, into one file that is then mapped into memory.

Contract: every image becomes its largest centred part of one aspect, resized; the bytes that `Decoded.load` returns, and the
fingerprint, are a function of the content of the images, their order, their labels and the options alone.
"""

import json
import math
import os
import shutil
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveFloat, PositiveInt
from ganexp.data.base import Split, cache_folder, digest
from ganexp.data.content import digest_of
from ganexp.data.decoding import Decoder, Limits, Seen, TooLarge, check_limits, own_limit, reason_of, report
from ganexp.data.found import Found
from ganexp.data.images import ImageOptions, Images
from ganexp.data.scan import shown
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

Colour = Literal["rgb", "grey", "rgba"]
_CHANNELS = {"rgb": 3, "grey": 1, "rgba": 4}


class DecodedOptions(ImageOptions, total=False):
    """Options of every such data set.

    Attributes:
        colour: `rgb`, three channels; `grey`, one; or `rgba`, four, the last one being opacity.
        limits: What is black and what is white in grey images of more than 8 bits or of floats, such as (0, 4095) of a camera
            of 12 bits whose files have 16; what is beyond is clipped. None: what each file states.
        largest: The largest image, in millions of pixels: one with more may be made to fill the memory; 179.
        workers: Threads that decode; by default one per CPU.
    """

    colour: Colour
    limits: Limits | None
    largest: PositiveFloat
    workers: PositiveInt | None


@dataclass(frozen=True)
class Listing:
    """The images of a data set, training images first.

    Attributes:
        names: Their names.
        train: How many are for training; the others are held out.
        labels: Their classes (int64, (N,)) or vectors of attributes (float32, (N, size)); None without labels.
        left_out: What is not used, with the number or the reason.
    """

    names: list[str]
    train: int
    labels: Tensor | None = None
    left_out: dict[str, str] = field(default_factory=dict)


class Decoded(Images):
    """Images from files, or from what holds files.

    An image is turned as its camera says (EXIF), laid over white where it is transparent, converted to `colour` with 8 bits
    per channel, cut to its largest centred square, or to the aspect of `size`, and resized (bicubic, antialiased). Of an
    animation the first frame counts.

    All images are decoded once, into one file in `ganexp/folders` of the user's cache folder, which later runs map into
    memory. It is named by the content of the images, so that a copy of them needs no other.

    Arguments:
        colour: See :class:`DecodedOptions`.
        limits: See :class:`DecodedOptions`.
        largest: See :class:`DecodedOptions`.
        workers: See :class:`DecodedOptions`.
        options: See :class:`ganexp.data.ImageOptions`; the default of `size` is 64.

    Attributes:
        place: The options that say where the images are.
    """

    place: ClassVar[tuple[str, ...]] = ("data.path",)

    def __init__(
        self,
        *,
        colour: Colour = "rgb",
        limits: Limits | None = None,
        largest: PositiveFloat = 179.0,
        workers: PositiveInt | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        self.shape = (_CHANNELS[colour], SIZE, SIZE)
        super().__init__(**options)
        check_limits(limits)
        self.workers = workers or os.cpu_count() or 1
        self._decoder = Decoder(self.shape[0], (self.shape[2], self.shape[1]), limits, largest)
        self._folder = cache_folder("folders")

    @property
    @abstractmethod
    def listing(self) -> Listing:
        """The images, in an order that is always the same."""

    @abstractmethod
    def source(self, name: str) -> Path | BinaryIO:
        """Return where an image is, by its name."""

    @abstractmethod
    def content(self) -> list[str]:
        """Return what identifies the content of all images, in their order.

        Raises:
            ConfigError: Some cannot be read.
        """

    def shown(self, name: str) -> str:
        """Return how an image is called in a message."""
        found = self.source(name)
        return shown(found if isinstance(found, Path) else name)

    def prepare(self) -> None:
        """Decode the images unless that was done before.

        Raises:
            ConfigError: An image cannot be read, or the result cannot be written.
        """
        self._images()

    def read(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Map the images (uint8, (N, *shape)) into memory; their labels; the training images, where none are held out."""
        images, listing = self._images(), self.listing
        held_out = split == "test" and len(listing.names) > listing.train
        part = slice(listing.train, None) if held_out else slice(listing.train)
        return images[part], None if listing.labels is None else listing.labels[part]

    def conditions(self) -> Tensor:
        """Return the vectors of the training images, without decoding any."""
        assert self.listing.labels is not None
        return self.listing.labels[: self.listing.train][: self.subset]

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the images' content, their labels and how they are read; equal for a copy of them."""
        listing, names, vectors = self.listing, "", []
        if self.attributes is not None and listing.labels is not None:
            vectors.append(listing.labels)
        elif listing.labels is not None:
            names = f"{self.class_names} {listing.labels.tolist()}"
        return digest(self._key, names, f"{listing.train} {self.subset}", *vectors)

    @property
    def found(self) -> Found:
        """What was found; sizes and depths once the images have been decoded."""
        listing = self.listing
        counts = (
            listing.labels.bincount(minlength=self.num_classes).tolist()
            if self.num_classes and listing.labels is not None
            else []
        )
        try:
            seen = json.loads(self._file(".json").read_bytes())
        except (OSError, ValueError):
            seen = {}
        return Found(
            images=len(listing.names),
            train=listing.train,
            held_out=len(listing.names) - listing.train,
            classes=dict(zip(self.class_names or (), counts, strict=False)),
            attributes=self.attributes.names if self.attributes else (),
            unlabelled=self.unlabelled,
            size=self.shape[:0:-1],
            limits=self._decoder.limits,
            left_out=listing.left_out,
            **seen,
        )

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
        """Name what the bytes depend on: the content of the images in their order, and how they are decoded."""
        return digest_of(f"{FORMAT} {self.shape} {self._decoder.limits}", *self.content())

    def _map(self, file: Path) -> Tensor | None:
        """Map a file of images into memory; None where there is no whole one."""
        try:
            images = np.load(file, mmap_mode="r")
        except (FileNotFoundError, ValueError, EOFError):
            return None
        if images.shape != (len(self.listing.names), *self.shape) or images.dtype != np.uint8:
            return None
        with warnings.catch_warnings():
            # A writable map would count as memory used, and be refused where the file is larger than that; nobody writes.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.from_numpy(images)

    def _check_space(self) -> None:
        needed = len(self.listing.names) * int(np.prod(self.shape))
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
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(self.listing.names), *self.shape)}
        np.lib.format.write_array_header_1_0(stream, header)
        seen: list[Seen] = []
        broken: list[tuple[str, Exception]] = []
        with own_limit():
            for name, made in zip(self.listing.names, self.each(self._decoder, "decoding"), strict=True):
                if isinstance(made, Exception):
                    broken.append((name, made))
                else:
                    stream.write(made[0].tobytes())
                    seen.append(made[1])
        if broken:
            raise self.unreadable(broken)
        write_json(self._file(".json"), report(seen))

    def each(self, work: Callable[[Any], Made], doing: str) -> Iterator[Made]:
        """Do something to all images, in their order, by several threads."""
        from tqdm import tqdm

        progress = tqdm(
            total=len(self.listing.names), desc=f"{doing} images", unit="", disable=None, delay=PATIENCE, leave=False
        )
        with progress, ThreadPoolExecutor(self.workers) as pool:
            # Piece by piece: a pool whose results are not fetched keeps them all.
            for start in range(0, len(self.listing.names), CHUNK * self.workers):
                names = self.listing.names[start : start + CHUNK * self.workers]
                yield from pool.map(lambda name: work(self.source(name)), names)
                progress.update(len(names))

    def unreadable(self, broken: list[tuple[str, Exception]]) -> ConfigError:
        """Return a refusal that names the first few of the images that cannot be read, and why."""
        reasons = [f"{self.shown(name)}: {reason_of(error)}" for name, error in broken[:NAMED]]
        more = f"; and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
        large = [error.megapixels for _, error in broken if isinstance(error, TooLarge)]
        hints = [f"data.largest={math.ceil(max(large))} takes those that are too large"] if large else []
        hints += ["replace or remove what is broken"] if len(large) < len(broken) else []
        keys = (*self.place, "data.largest") if large else self.place
        what = "an image cannot" if len(broken) == 1 else f"{len(broken):,} images cannot"
        return ConfigError(f"{what} be read: {'; '.join(reasons)}{more}", *keys, hint="; ".join(hints))
