"""Small operations that several models need."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd


def label_vectors(y: Tensor, size: int, like: Tensor) -> Tensor:
    """Turn labels into the vectors with shape (B, size) that networks take, of the type of ``like``.

    Arguments:
        y: Classes with shape (B,), int64, which become one-hot; or vectors with shape (B, size), which stay as they are.
        size: Length of a vector.
        like: Of the type that is wanted.
    """
    return (y if y.is_floating_point() else F.one_hot(y, size)).to(like.dtype)


class LabelVectors:
    """:func:`label_vectors`, made once for the same labels: the passes of an iteration ask for them again and again."""

    def __init__(self) -> None:
        # Of the samples of one kind, and of real and fake ones that are judged in one pass.
        self._made: deque[tuple[Tensor, int, int, Tensor]] = deque(maxlen=2)

    def __call__(self, y: Tensor, size: int, like: Tensor) -> Tensor:
        """Return what :func:`label_vectors` does; no gradient goes back to classes."""
        if y.is_floating_point() or y.is_inference():
            return label_vectors(y, size, like)
        version = y._version  # whoever changes labels in place gets other vectors
        for labels, then, length, vectors in self._made:
            if labels is y and then == version and length == size and vectors.dtype == like.dtype:
                return vectors
        vectors = label_vectors(y, size, like)
        self._made.append((y, version, size, vectors))
        return vectors


def total(x: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes of the run, which must all ask for it; ``x`` itself where there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        x = x.clone()
        torch.distributed.all_reduce(x)
    return x


@contextmanager
def eagerly(network: nn.Module) -> Iterator[None]:
    """Let a network that is compiled compute as if it were not: for batches of another size it would be compiled anew."""
    compiled, network._compiled_call_impl = network._compiled_call_impl, None
    try:
        yield
    finally:
        network._compiled_call_impl = compiled


@contextmanager
def in_mode(network: nn.Module, mode: Literal["train", "no_dropout", "eval"]) -> Iterator[None]:
    """Put a network into another mode for a while: ``train`` leaves it as it is, ``no_dropout`` turns dropout off only."""
    concerned = [] if mode == "train" else [m for m in network.modules() if mode == "eval" or isinstance(m, _DropoutNd)]
    before = [module.training for module in concerned]
    for module in concerned:
        module.training = False
    try:
        yield
    finally:
        for module, training in zip(concerned, before, strict=True):
            module.training = training
