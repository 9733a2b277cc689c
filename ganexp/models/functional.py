"""Small operations that several models need."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd


def one_hot(y: Tensor, classes: int, like: Tensor) -> Tensor:
    """Turn labels with shape (B,) into vectors with shape (B, classes), of the type of ``like``."""
    return F.one_hot(y, classes).to(like.dtype)


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
