"""What samples are measured against: the whole data set, and what an extractor sees in it, computed once and kept on the disk.

Contract: samples are compared as they are stored (bytes, of images), so that no range of values can be mistaken; statistics
of the training split are those of all its images, whatever subset a model learns from.
"""

import sys
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data import Data, Images, Split
from ganexp.metrics.extractors import Features, ForData
from ganexp.runs.files import whole_file

# Real samples of each split whose features are kept, in an order drawn once for all.
KEPT = 10_000

# Images whose features are computed at a time.
CHUNK = 1000

# Rounding may carry decoded values over the ends of their range by so much of its width.
TOLERANCE = 1e-4


class Moments(NamedTuple):
    """Mean (float64, (D,)) and covariance (float64, (D, D), divided by N - 1) of the features of N samples."""

    mean: Tensor
    covariance: Tensor
    size: int


class Samples:
    """Samples to measure, generated or real, on the CPU.

    Arguments:
        raw: As the data stores them: uint8 with shape (N, C, H, W) or float32 points with shape (N, D).
        y: The labels (int64, (N,)) that the generator was given, or those of real samples; None without.
        reference: What they are measured against.
        features: What its extractor sees in them, where that is known.
    """

    def __init__(self, raw: Tensor, y: Tensor | None, reference: "Reference", features: Features | None = None) -> None:
        self.raw, self.y, self.data = raw.cpu(), None if y is None else y.cpu(), reference.data
        self._reference, self._features = reference, features

    def __len__(self) -> int:
        return len(self.raw)

    @cached_property
    def x(self) -> Tensor:
        """The samples as float32 with shape (N, *shape), in the data's range."""
        return self.data.decode(self.raw)

    @property
    def features(self) -> Features:
        """What the extractor sees in them, computed when it is first asked for."""
        if self._features is None:
            self._features = self._reference.see(self.raw)
        return self._features

    def without_labels(self) -> "Samples":
        """Return the same samples as if nobody knew their labels."""
        return Samples(self.raw, None, self._reference, self._features)


class Reference:
    """A data set, whole, as the measure of samples.

    Arguments:
        data: The data set that a model learns.
        extractor: What sees features in its samples; for images.
    """

    def __init__(self, data: Data, extractor: ForData | None = None) -> None:
        self.data = data.whole()
        self.extractor = extractor.fitting(self.data) if extractor and isinstance(self.data, Images) else None
        self.device = torch.device("cpu")
        """Where the extractor works."""
        self.floors: dict[tuple[object, ...], dict[str, float]] = {}
        """What real samples score, by metric and number of samples; filled by those who measure."""
        self._real: dict[tuple[Split, int], Samples] = {}

    def check_features(self) -> None:
        """Refuse data in which the extractor can see nothing.

        Raises:
            ConfigError: There is no extractor, or it refuses the data.
        """
        if not isinstance(self.data, Images) or self.extractor is None:
            raise ConfigError("this needs images", "metrics", "data", hint="use metrics=points or metrics=none")
        self.extractor.check(self.data)

    def check_classes(self) -> None:
        """Refuse data that is not images with classes.

        Raises:
            ConfigError: It is not.
        """
        if not isinstance(self.data, Images) or not self.data.num_classes:
            hint = "use data with labels, such as data=mnist, or other metrics"
            raise ConfigError("this needs images with classes", "metrics", "data", hint=hint)

    def prepare(self, features: bool) -> None:
        """Prepare what measuring needs, once per machine; afterwards nothing draws random numbers.

        Arguments:
            features: Whether the extractor is needed.

        Raises:
            ConfigError: Something is not available.
        """
        if features:
            assert self.extractor is not None and isinstance(self.data, Images)
            self.extractor.prepare(self.data)
            _ = self._seen

    def samples(self, x: Tensor, y: Tensor | None = None, value_range: tuple[float, float] | None = None) -> Samples:
        """Take samples to measure.

        Arguments:
            x: Generated points or images with shape (N, *shape); images as bytes (uint8) or as floating-point values.
            y: The labels (N,) that the generator was given, if they are classes of the data.
            value_range: The range of floating-point images, such as (-1, 1); it must be given.

        Raises:
            TypeError: Images of floating-point values come without their range, or bytes with one.
            ValueError: The shape is wrong or finite values of images lie outside the range.
        """
        if tuple(x.shape[1:]) != tuple(self.data.shape):
            raise ValueError(f"samples have the shape {tuple(x.shape[1:])}, those of the data {tuple(self.data.shape)}")
        if not isinstance(self.data, Images):
            return Samples(self.data.encode(x), y, self)
        return Samples(self._bytes(x, value_range), y, self)

    def see(self, raw: Tensor) -> Features:
        """Return what the extractor sees in raw images (uint8, (N, C, H, W)), on the CPU."""
        assert self.extractor is not None, "only metrics that say so need features"
        seen = (self.extractor(part.to(self.device)) for part in raw.split(CHUNK))
        return Features.concatenate([Features(*(tensor.cpu() for tensor in part)) for part in seen])

    def _bytes(self, x: Tensor, value_range: tuple[float, float] | None) -> Tensor:
        if x.dtype == torch.uint8:
            if value_range is not None:
                raise TypeError("bytes have no value range")
            return x
        if value_range is None or not x.is_floating_point():
            raise TypeError("images are bytes, or floating-point values with their range")
        (low, high), (target_low, target_high) = value_range, self.data.value_range or value_range
        least, most = torch.aminmax(x.nan_to_num(low, low, low)) if len(x) else (x.new_tensor(low), x.new_tensor(low))
        slack = TOLERANCE * (high - low)
        if least < low - slack or most > high + slack:
            raise ValueError(f"values from {float(least):.4g} to {float(most):.4g} lie outside the range [{low:g}, {high:g}]")
        return self.data.encode((x - low) * ((target_high - target_low) / (high - low)) + target_low)

    def real(self, split: Split, n: int) -> Samples:
        """Return ``n`` real samples of a split, or all if there are fewer: always the same, their features kept."""
        if (split, n) not in self._real:
            raw, y = self.data.load(split)
            order = _order(len(raw))[:n]
            features = None
            if self.extractor is not None and "_seen" in self.__dict__ and len(order) <= len(self._seen[split][0]):
                features = Features(*(part[:n] for part in self._seen[split]))
            self._real[split, n] = Samples(raw[order], None if y is None else y[order], self, features)
        return self._real[split, n]

    @property
    def moments(self) -> Moments:
        """Mean and covariance of the features of the whole training split."""
        return Moments(*self._seen["moments"])

    def describe(self) -> dict[str, Any]:
        """Return what the reference adds to a measurement's protocol."""
        seen = self.extractor is not None and "_seen" in self.__dict__
        return {
            "data": {"name": type(self.data).__name__, "fingerprint": self.data.fingerprint, "split": "train"},
            "extractor": self.extractor.identity if seen and self.extractor is not None else None,
        }

    @cached_property
    def _seen(self) -> dict[str, Any]:
        """Moments of the training split's features, and the features of the kept samples of both splits."""
        assert self.extractor is not None
        path = self._file
        if path.exists():
            try:
                return torch.load(path, weights_only=True)
            except Exception:  # whatever a damaged file provokes: it is made anew
                path.unlink(missing_ok=True)
        print(
            f"ganexp: computing what the extractor {self.extractor.name} sees in {type(self.data).__name__}, once",
            file=sys.stderr,
        )
        seen: dict[str, Any] = {}
        for split in ("train", "test"):
            raw = self.data.load(split)[0]
            order = _order(len(raw))
            kept = self.see(raw[order[:KEPT]])
            seen[split] = tuple(kept)
            if split == "train":
                rest = (self.see(raw[part]).vectors for part in order[KEPT:].split(CHUNK) if len(part))
                seen["moments"] = tuple(moments_of(kept.vectors, *rest))
        try:
            with whole_file(path) as file:
                torch.save(seen, file)
        except OSError:  # a folder that cannot be written costs time, nothing else
            pass
        return seen

    @property
    def _file(self) -> Path:
        assert self.extractor is not None
        identity = self.extractor.identity
        return self.data.derived / f"features-{identity['name']}-{identity['hash']}-{self.data.fingerprint}.pt"


def moments_of(*parts: Tensor) -> Moments:
    """Return the moments of features that come in parts with shape (N_i, D)."""
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for part in parts:
        part = part.double()
        count, total, squares = count + len(part), total + part.sum(0), squares + part.T @ part
    mean = total / count
    return Moments(mean, (squares - count * torch.outer(mean, mean)) / (count - 1), count)


def _order(n: int) -> Tensor:
    """Return the fixed order in which real samples are taken."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))
