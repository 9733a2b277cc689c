"""Any folder of images, decoded once and then mapped into memory.

Contract: every image becomes its largest centred square, resized; the bytes that `ImageFolder.load` returns are a function of
the files and of `size`, `colour`, `held_out` and `subset` alone.
"""

import hashlib
import os
import warnings
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, NoReturn

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.config.types import PositiveInt
from ganexp.data.base import Split, cache_folder, digest
from ganexp.data.images import ImageOptions, Images
from ganexp.runs.files import whole_file

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

# Part of every key: another number makes the images that an older version has decoded invalid.
FORMAT = 1

# Side in pixels of the images, by default.
SIZE = 64

# Images that a worker decodes between two writes, and seconds after which a progress bar appears.
CHUNK = 32
PATIENCE = 2.0


class ImageFolder(Images):
    """The images in a folder and everything below it, by class or not.

    Two or more sub-folders with images, and no image beside them, are classes, named and numbered in sorted order; otherwise
    there are no labels. Hidden files and folders are ignored. The images come in sorted order; classes take turns, the first of
    each, then the second of each, so that a subset is even over them.

    An image is turned as its camera says (EXIF), laid over white where it is transparent, converted to `colour` with 8 bits
    per channel, cut to its largest centred square and resized (bicubic, antialiased). Of an animation the first frame counts.

    All images are decoded once, into one file in `ganexp/folders` of the user's cache folder, which later runs map into
    memory; a folder whose files have other names, sizes or times, and another `size` or `colour`, is decoded anew.

    Arguments:
        path: The folder.
        colour: `rgb`, three channels, or `grey`, one.
        held_out: Every how many-th image of each class is held out for testing; None holds out none. Where none is held out,
            also because there are too few, the test split is the training split.
        workers: Threads that decode; by default one per CPU.
        options: See :class:`ganexp.data.ImageOptions`; the default of `size` is 64.

    Raises:
        ConfigError: The folder is missing or has no images.
    """

    def __init__(
        self,
        path: str,
        colour: Literal["rgb", "grey"] = "rgb",
        held_out: Annotated[int, Field(ge=2)] | None = 10,
        workers: PositiveInt | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        self.shape = ({"rgb": 3, "grey": 1}[colour], SIZE, SIZE)
        super().__init__(**options)
        self.path = user_path(path).absolute()
        self.workers = workers or os.cpu_count() or 1
        names = list_images(self.path)
        classes = sorted({name.partition("/")[0] for name in names})
        by_class = len(classes) > 1 and all("/" in name for name in names)
        self.class_names = tuple(classes) if by_class else None
        self.num_classes = len(classes) if by_class else 0
        number = {name: label for label, name in enumerate(classes)}
        groups: defaultdict[int, list[str]] = defaultdict(list)
        for name in names:
            groups[number[name.partition("/")[0]] if by_class else 0].append(name)
        turns = sorted((rank, label, name) for label, group in groups.items() for rank, name in enumerate(group, start=1))
        # Training images first, so that each split is one piece of the file.
        self._train = [turn[1:] for turn in turns if held_out is None or turn[0] % held_out]
        self._test = [turn[1:] for turn in turns if held_out is not None and turn[0] % held_out == 0]
        if by_class:
            counts = np.bincount([label for label, _ in self._train[: self.subset]], minlength=len(classes))
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
        labels = torch.tensor([label for label, _ in chosen]) if self.class_names else None
        return images[part], labels

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the files' names, sizes and times: their content may be larger than memory."""
        names = [name for _, name in self._train + self._test]
        return digest(self._key(names), f"{len(self._train)} {self.subset}")

    def _images(self) -> Tensor:
        """Return the images of both splits, mapped; decode them if need be."""
        names = [name for _, name in self._train + self._test]
        file = self._folder / f"{self._key(names)}.npy"
        try:
            images = self._map(file, len(names))
            if images is None:
                with whole_file(file) as stream:
                    self._decode(names, stream)
                images = self._map(file, len(names))
        except OSError as error:
            where = error.filename or self._folder
            hint = "give it space and rights, or name another cache folder by the environment variable XDG_CACHE_HOME"
            raise ConfigError(f"cannot store the decoded images: {where}: {error.strerror}", "data", hint=hint) from error
        assert images is not None
        return images

    def _key(self, names: list[str]) -> str:
        """Name what the bytes depend on: the folder, its files in their order, how they are decoded."""
        digest = hashlib.blake2b(os.fsencode(f"{FORMAT}\n{self.path.resolve()}\n{self.shape}\n"), digest_size=16)
        for name in names:
            try:
                status = os.stat(self.path / name)
            except OSError as error:
                _unreadable(error)
            digest.update(os.fsencode(f"{name}\n{status.st_size}\n{status.st_mtime_ns}\n"))
        return digest.hexdigest()

    def _map(self, file: Path, count: int) -> Tensor | None:
        """Map a file of images into memory; None where there is no whole one."""
        try:
            images = np.load(file, mmap_mode="r")
        except (FileNotFoundError, ValueError, EOFError):
            return None
        if images.shape != (count, *self.shape) or images.dtype != np.uint8:
            return None
        with warnings.catch_warnings():
            # A writable map would count as memory used, and be refused where the file is larger than that; nobody writes.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.from_numpy(images)

    def _decode(self, names: list[str], stream: BinaryIO) -> None:
        from tqdm import tqdm

        header = {"descr": "|u1", "fortran_order": False, "shape": (len(names), *self.shape)}
        np.lib.format.write_array_header_1_0(stream, header)
        decode = partial(_decode_file, channels=self.shape[0], size=self.shape[1])
        progress = tqdm(total=len(names), desc="decoding images", unit="", disable=None, delay=PATIENCE, leave=False)
        # PIL warns of what a reader of a folder cannot change, such as odd metadata.
        with progress, ThreadPoolExecutor(self.workers) as pool, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            # Piece by piece: a pool whose results are not fetched keeps them all.
            for start in range(0, len(names), CHUNK * self.workers):
                files = [self.path / name for name in names[start : start + CHUNK * self.workers]]
                for image in pool.map(decode, files):
                    stream.write(image.tobytes())
                progress.update(len(files))


def list_images(folder: Path) -> list[str]:
    """List the images in a folder and below it, relative to it, with "/" between the parts of a name, sorted.

    Raises:
        ConfigError: There is no such folder, a folder in it cannot be read, or there are no images.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise ConfigError(f"{folder} {what}", "data.path", hint="name a folder of images")
    names = sorted(_walk(folder))
    if not names:
        raise ConfigError(f"there are no images in {folder}", "data.path", hint=f"suffixes: {', '.join(SUFFIXES)}")
    return names


def _walk(folder: Path) -> Iterator[str]:
    seen = set()
    for path, folders, files in os.walk(folder, followlinks=True, onerror=_unreadable):
        # Links may lead back to where they are.
        if os.path.realpath(path) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(path))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(path, name).relative_to(folder).as_posix()


def _unreadable(error: OSError) -> NoReturn:
    raise ConfigError(f"{error.filename} cannot be read: {error.strerror}", "data.path") from error


def _decode_file(path: Path, channels: int, size: int) -> np.ndarray:
    """Decode one image as bytes with shape (channels, size, size)."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            # Lets JPEG's decoder leave out what would be averaged away; three times the size is too large to be seen.
            image.draft(None, (3 * size, 3 * size))
            upright = ImageOps.exif_transpose(image)
            flat = _flatten(upright).convert("RGB" if channels == 3 else "L")
        side = min(flat.size)
        left, top = ((length - side) // 2 for length in flat.size)
        square = flat.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    except Exception as error:  # whatever the damage provokes in a decoder
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"{path} cannot be read as an image: {reason}", "data.path", hint="replace or remove the file"
        ) from error
    return np.asarray(square).reshape(size, size, channels).transpose(2, 0, 1)


def _flatten(image: "Image.Image") -> "Image.Image":
    """Bring an image of any mode to 8 bits per channel without transparency."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floats, whose range is not known")
    if image.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return image
