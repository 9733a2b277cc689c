"""What metrics of features have in common.

Contract: what is drawn is drawn from a fixed seed, and no random state is changed; what is kept belongs to one metric and one
reference, and leaves with either.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ganexp.metrics.base import Metric
from ganexp.metrics.reference import Reference

M = TypeVar("M", bound=Metric)
P = ParamSpec("P")
T = TypeVar("T")


class FeatureMetric(Metric):
    """A metric that looks at what an extractor sees in images."""

    needs_features: ClassVar[bool] = True

    def check(self, reference: Reference) -> None:
        """Refuse data in which no extractor sees anything.

        Raises:
            ConfigError: The data is no images, or the extractor refuses them.
        """
        reference.check_features()


class AsTheyAre(nn.Module):
    """Stands where torchmetrics expects a network, and hands over features that are known already.

    Arguments:
        num_features: Size of the vectors.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        """Return the features, with shape (N, D)."""
        return features


def kept(method: Callable[Concatenate[M, Reference, P], T]) -> Callable[Concatenate[M, Reference, P], T]:
    """Make a method of a metric work out its result once per reference; copies and other processes do so anew.

    Arguments:
        method: A method of a reference and of hashable arguments, whose result does not hold the reference.
    """
    results: WeakKeyDictionary[M, WeakKeyDictionary[Reference, dict[tuple[Any, ...], T]]] = WeakKeyDictionary()

    @wraps(method)
    def once(self: M, reference: Reference, /, *arguments: P.args, **options: P.kwargs) -> T:
        mine = results.setdefault(self, WeakKeyDictionary()).setdefault(reference, {})
        key = (*arguments, *options.items())
        if key not in mine:
            mine[key] = method(self, reference, *arguments, **options)
        return mine[key]

    return once


@contextmanager
def fixed_draws(seed: int = 0) -> Iterator[None]:
    """Let the global CPU generator draw from a seed, and be as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the accelerators as well, which nothing restores.
        torch.default_generator.manual_seed(seed)
        yield


def some(n: int, most: int) -> Tensor:
    """Return the indices of ``most`` of ``n`` samples, always the same ones and from all over; of fewer, all."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))[:most].sort().values


def exact_device(reference: Reference) -> torch.device:
    """Return the device to compute on: where the extractor works, if float64 is known there, else the CPU."""
    return reference.device if reference.device.type == "cuda" else torch.device("cpu")
