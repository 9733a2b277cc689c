"""A user's own arrays: images from files of NumPy, and what is common with points from such files.

Contract: the order of a file decides which samples are held out, so a file gives the same splits every time. Nothing in a file
is run: arrays of objects are refused.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data.base import Split
from ganexp.data.decoding import Limits, between, check_limits
from ganexp.data.found import Found
from ganexp.data.images import ImageOptions, Images
from ganexp.runs.files import open_regular

HeldOut = Annotated[int, Field(ge=2)] | None

NAMES: dict[Split, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "train": (("images", "x", "x_train", "samples", "points", "arr_0"), ("labels", "y", "y_train", "arr_1")),
    "test": (("test_images", "x_test", "test_x"), ("test_labels", "y_test", "test_y")),
}
"""What the arrays of samples and of labels of each split are usually called."""

_MOST_CHANNELS = 4  # of a layout that is not named
_LAYOUTS = {"NHW": (0, 1, 2), "NHWC": (0, 3, 1, 2), "NCHW": (0, 1, 2, 3)}


class ArrayImages(Images):
    """Images from a ``.npz`` or ``.npy`` file, and their labels; kept as bytes, whatever they were.

    Arrays are found by their usual names: ``images`` and ``labels``; ``x_train``, ``y_train``, ``x_test`` and ``y_test``; and
    so on. Bytes stay as they are; 16 bits are scaled to 8; floats have to be between 0 and 1, or between -1 and 1, unless
    limits are given.

    Arguments:
        path: The file.
        layout: The order of the axes; by default N is first, and C, of at most 4 channels, next or last.
        limits: What is black and what is white in numbers that are no bytes; what is beyond is clipped. None: as their kind
            says.
        held_out: Every how many-th image of each class is held out for testing, unless there are test images; None: none,
            then the training images are the test images.
        test: Another such file, whose images are the test images; None: those of the file itself, or what is held out.
        options: See :class:`ganexp.data.ImageOptions`.

    Raises:
        ConfigError: The file cannot be read, or holds no such images.
    """

    def __init__(
        self,
        path: str,
        layout: Literal["auto", "NHW", "NHWC", "NCHW"] = "auto",
        held_out: HeldOut = 10,
        limits: Limits | None = None,
        test: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        self.path, self._layout, self._held_out = user_path(path).absolute(), layout, held_out
        self._images: dict[Split, tuple[Tensor, Tensor | None]] = {}
        check_limits(limits)
        self._limits = limits
        arrays = read_arrays(self.path)
        parts = {split: self._part(arrays, split, self.path) for split in NAMES}
        self._splits = {split: part for split, part in parts.items() if part is not None}
        if "train" not in self._splits:
            raise ConfigError(f"{self.path} has no images", "data.path", hint=f"it has {', '.join(arrays) or 'nothing'}")
        self._tested = "data.path" if test is None else "data.test"
        if test is not None:
            self._splits["test"] = self._apart(user_path(test).absolute())
        images, labels = self._splits["train"]
        self.shape = tuple(images.shape[1:])
        super().__init__(**options)
        if labels is not None:
            names, self._numbers = np.unique(labels, return_inverse=True)
            self.class_names, self.num_classes = tuple(map(str, names)), len(names)
        self._divide()
        if (y := self._images["train"][1]) is not None:
            self.class_weights = tuple(y[: self.subset].bincount(minlength=self.num_classes).double().tolist())

    def read(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Return the images (uint8, (N, *shape)), and their classes (int64, (N,)) or None."""
        return self._images[split]

    @property
    def found(self) -> Found:
        """How many there are, of which classes."""
        (train, labels), (test, _) = self._images["train"], self._images["test"]
        held_out = 0 if test is train else len(test)
        counts = [] if labels is None else torch.bincount(labels, minlength=self.num_classes).tolist()
        classes = dict(zip(self.class_names or (), counts, strict=False))
        return Found(len(train) + held_out, len(train), held_out, classes, size=self.shape[:0:-1])

    def _divide(self) -> None:
        """Make both splits: those of the file, or every so many-th of each class."""
        images, labels = self._splits["train"]
        y = None if labels is None else torch.from_numpy(self._numbers.reshape(-1).astype(np.int64))
        whole = torch.from_numpy(images), y
        if "test" in self._splits:
            x, names = self._splits["test"]
            if x.shape[1:] != images.shape[1:]:
                raise ConfigError("test images have another size than the others", self._tested)
            test = numbered(names, self.class_names, self._tested)
            self._images = {"train": whole, "test": (torch.from_numpy(x), test)}
        else:
            self._images = divide(*whole, self._held_out)

    def _apart(self, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the images of a file of test images, whatever they are called there."""
        arrays = read_arrays(path, "data.test")
        part = self._part(arrays, "test", path) or self._part(arrays, "train", path)
        if part is None:
            raise ConfigError(f"{path} has no images", "data.test", hint=f"it has {', '.join(arrays) or 'nothing'}")
        return part

    def _part(self, arrays: Mapping[str, np.ndarray], split: Split, path: Path) -> tuple[np.ndarray, np.ndarray | None] | None:
        """Return the images of a split of a file as bytes (N, C, H, W) with their labels, if it has any."""
        key = "data.path" if path == self.path else "data.test"
        names, label_names = NAMES[split]
        name = next((name for name in names if name in arrays), None)
        if name is None:
            return None
        array = arrays[name]
        axes = self._axes(array, path, key)
        images = as_bytes(array, f"{path}: {name}", self._limits).transpose(axes)
        images = np.ascontiguousarray(images[:, None] if len(axes) == 3 else images)
        label_name = next((name for name in label_names if name in arrays), None)
        labels = None if label_name is None else class_of(arrays[label_name])
        if labels is not None and len(labels) != len(images):
            raise ConfigError(f"{path}: {len(labels):,} labels do not fit {len(images):,} images", key)
        return images, labels

    def _axes(self, array: np.ndarray, path: Path, key: str) -> tuple[int, ...]:
        """Return the axes of an array in the order N, C, H, W."""
        shape, layout = array.shape, self._layout
        if layout == "auto" and array.ndim == 3:
            layout = "NHW"
        if layout == "auto" and array.ndim == 4:
            fits = {name: shape[axis] <= _MOST_CHANNELS for name, axis in (("NHWC", 3), ("NCHW", 1))}
            if sum(fits.values()) != 1:
                raise ConfigError(f"{path}: which axis of {shape} are the channels?", "data.layout", hint="NHWC or NCHW")
            layout = "NHWC" if fits["NHWC"] else "NCHW"
        if layout == "auto" or array.ndim != len(layout) or not all(shape):
            raise ConfigError(f"{path}: an array with shape {shape} holds no images", key, "data.layout")
        return _LAYOUTS[layout]


def numbered(labels: np.ndarray | None, classes: tuple[str, ...] | None, key: str) -> Tensor | None:
    """Return the labels of test samples as the numbers (int64, (N,)) of the classes of the training samples.

    Raises:
        ConfigError: Only one of the splits has labels, or a label is that of no training sample.
    """
    if (labels is None) != (classes is None):
        raise ConfigError("either the training or the test samples have labels", key)
    if labels is None or classes is None:
        return None
    known, each = {name: number for number, name in enumerate(classes)}, [str(label) for label in labels.tolist()]
    if strange := sorted(set(each) - known.keys()):
        raise ConfigError(f"no training sample has the label {strange[0]} of test samples", key)
    return torch.tensor([known[name] for name in each])


def divide(x: Tensor, y: Tensor | None, held_out: int | None) -> dict[Split, tuple[Tensor, Tensor | None]]:
    """Return both splits: every so many-th sample of each class is for testing; where that is none, all are for both."""
    chosen = for_testing(len(x), y, held_out)
    if not chosen.any():
        return {"train": (x, y), "test": (x, y)}
    return {split: (x[part], None if y is None else y[part]) for split, part in (("train", ~chosen), ("test", chosen))}  # type: ignore[misc]


def for_testing(count: int, y: Tensor | None, held_out: int | None) -> Tensor:
    """Return which of so many samples are for testing, bools with shape (count,): every so many-th of each class, or none."""
    if held_out is None:
        return torch.zeros(count, dtype=torch.bool)
    place = torch.arange(count)
    for label in () if y is None else y.unique():
        of_class = (y == label).nonzero().squeeze(1)
        place[of_class] = torch.arange(len(of_class))
    return place % held_out == held_out - 1


def as_bytes(array: np.ndarray, where: str, limits: Limits | None = None) -> np.ndarray:
    """Return an array of images as bytes; what is none is scaled between limits, where there are any.

    Raises:
        ConfigError: Its values are of no known range.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16 and limits is None:
        return ((array.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise ConfigError(f"{where} has values of type {array.dtype}, which are no numbers", "data.path")
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ConfigError(f"{where} has values that are not finite", "data.path")
    if limits is not None:
        return between(array, limits)
    ranges = [(0.0, 255.0)] if array.dtype.kind in "iu" else [(0.0, 1.0), (-1.0, 1.0)]
    for bottom, top in ranges:
        if bottom <= low and high <= top:
            return np.rint((array.astype(np.float32) - bottom) * (255 / (top - bottom))).astype(np.uint8)
    wanted = " or ".join(f"{bottom:g} to {top:g}" for bottom, top in ranges)
    raise ConfigError(
        f"{where} has values from {low:g} to {high:g}", "data.path", hint=f"scale them to {wanted}, or set data.limits"
    )


def read_arrays(path: Path, key: str = "data.path") -> dict[str, np.ndarray]:
    """Return the arrays of a file, by name; the option that names it is for a refusal.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with open_regular(path) as file:
            found = np.load(file, allow_pickle=False)
            return {"arr_0": found} if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except Exception as error:  # whatever a damaged archive provokes
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()).partition(". ")[0]
        raise ConfigError(f"{path} cannot be read: {reason}", key, hint="name a .npz or .npy file") from error


def class_of(labels: np.ndarray) -> np.ndarray:
    """Return one label for each sample, also of labels that are written as vectors with a single one."""
    return labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(len(labels))
