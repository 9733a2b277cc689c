"""Gradient checkpointing: what lies inside a part of a network is computed again in the backward pass, in place of being kept.

Mathematical contract: results, gradients of any order, random draws and buffers are, bit for bit, those of a network that keeps
everything.

References:
    Training Deep Nets with Sublinear Memory Cost (Chen et al., 2016), https://arxiv.org/abs/1604.06174
"""

from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Recomputable(nn.Module, ABC):
    """A part of a network, usually a block, of which only the input may be kept for the backward pass.

    What it remembers from one pass to the next is in buffers, and its random numbers come from torch's global generators: the
    second computation begins with those of the first.

    Attributes:
        recompute: Whether its inside is computed again.
    """

    recompute: bool = False

    @abstractmethod
    def compute(self, *inputs: Any) -> Tensor:
        """Do the work of :meth:`forward`."""

    def forward(self, *inputs: Any) -> Tensor:
        if not (self.recompute and torch.is_grad_enabled()):
            return self.compute(*inputs)
        before = _Before(self)
        result: Tensor = checkpoint(self.compute, *inputs, use_reentrant=False, context_fn=lambda: (nullcontext(), before))
        return result


class _Before:
    """Lets a module, while this is entered, begin with the buffers that it had when this was made.

    So the power iteration of spectral norm and the statistics of batch norm move once in a pass: what a second computation
    makes of them is forgotten. The tensors that the module has are not written to, as autograd may hold them.
    """

    def __init__(self, module: nn.Module) -> None:
        self._before = [
            (owner, name, buffer.clone())
            for owner in module.modules()
            for name, buffer in owner._buffers.items()
            if buffer is not None and name not in owner._non_persistent_buffers_set
        ]
        self._present: list[Tensor | None] = []

    def __enter__(self) -> None:
        self._present = [owner._buffers[name] for owner, name, _ in self._before]
        for owner, name, buffer in self._before:
            owner._buffers[name] = buffer.clone()  # there may be a further computation, of second derivatives

    def __exit__(self, *error: object) -> None:
        for (owner, name, _), buffer in zip(self._before, self._present, strict=True):
            owner._buffers[name] = buffer
        self._present = []
