"""What a data set loads, looked at before anything is made of it: it may be of a user's own class."""

from typing import Any

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data.base import Data, Split


def load(data: Data, split: Split) -> tuple[Tensor, Tensor | None]:
    """Return what :meth:`ganexp.data.Data.load` returns.

    Raises:
        ConfigError: It is not what the data set declares, or not finite.
    """
    loaded = data.load(split)
    name = f"{type(data).__name__}.load"
    if not isinstance(loaded, tuple) or len(loaded) != 2:
        raise ConfigError(f"{name} should return samples and labels", "data", hint="return samples, None where there are none")
    x, y = loaded
    _check_samples(x, tuple(data.shape), name)
    if data.attributes is None:
        _check_classes(y, len(x), data.num_classes, name)
    return x, y


def _check_samples(x: Any, shape: tuple[int, ...], name: str) -> None:
    if not isinstance(x, Tensor) or x.dtype not in (torch.uint8, torch.float32):
        found = f"a tensor of {str(x.dtype).removeprefix('torch.')}" if isinstance(x, Tensor) else type(x).__name__
        raise ConfigError(f"{name} should return samples as float32 or, of images, uint8, not {found}", "data")
    if tuple(x.shape[1:]) != shape or not len(x):
        sizes = ", ".join(map(str, shape))
        message = f"{name} should return samples with shape (N, {sizes}), not {tuple(x.shape)}"
        raise ConfigError(message, "data", hint=f"let the class say shape = {tuple(x.shape[1:])}" if len(x) else None)
    if x.is_floating_point() and not (finite := x.flatten(1).isfinite().all(1)).all():
        first = int(finite.logical_not().nonzero()[0])
        raise ConfigError(f"{name} returns values that are not finite, the first in sample {first:,}", "data")


def _check_classes(y: Any, count: int, classes: int, name: str) -> None:
    if y is None:
        if classes:
            raise ConfigError(f"{name} returns no labels, but the data has {classes} classes", "data")
        return
    if not isinstance(y, Tensor) or y.dtype != torch.int64 or tuple(y.shape) != (count,):
        found = (
            f"{str(y.dtype).removeprefix('torch.')} with shape {tuple(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
        )
        raise ConfigError(f"{name} should return labels as int64 with shape ({count},), not {found}", "data")
    least, most = (int(value) for value in y.aminmax())
    if least < 0 or most >= classes:
        message = f"{name} returns labels from {least} to {most}, but the data has {classes or 'no'} classes"
        raise ConfigError(message, "data", hint=f"let the class say num_classes = {most + 1}" if least >= 0 else None)
