"""Exponential moving average of a network's weights."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn


class Average(nn.Module):
    r"""Average :math:`\bar w \leftarrow \beta \bar w + (1 - \beta) w` of a network, buffers (batch norm's statistics) copied.

    ``torch.optim.swa_utils.AveragedModel`` reads a counter from the device at every update, which makes a GPU wait; here the
    counter is saved with the weights but counted on the host.

    Arguments:
        network: The network to follow; it is copied.
        decay: :math:`\beta`.
        warmup: After n updates use at most :math:`(1 + n) / (10 + n)`, so that the first weights are soon forgotten.

    References:
        The Unusual Effectiveness of Averaging in GAN Training (Yazici et al., 2019), https://arxiv.org/abs/1806.04498
    """

    def __init__(self, network: nn.Module, decay: float, warmup: bool = True) -> None:
        super().__init__()
        self.module = deepcopy(network).requires_grad_(False)
        self.decay, self.warmup, self.updates = decay, warmup, 0
        self._pairs: tuple[nn.Module, list[tuple[list[Tensor], list[Tensor]]]] | None = None

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards ``network``."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.warmup else self.decay
        (average, weights), (copies, buffers) = self._paired_with(network)
        torch._foreach_lerp_(average, weights, 1 - decay)
        if buffers:
            torch._foreach_copy_(copies, buffers)
        self.updates += 1

    def get_extra_state(self) -> dict[str, int]:
        """Return what the weights do not hold."""
        return {"updates": self.updates}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Restore :meth:`get_extra_state`."""
        self.updates = state["updates"]

    def _paired_with(self, network: nn.Module) -> list[tuple[list[Tensor], list[Tensor]]]:
        """Return own and followed parameters, own and followed buffers."""
        # Kept: to look for them takes four times as long as to average a small network.
        if self._pairs is None or self._pairs[0] is not network:
            parameters: tuple[list[Tensor], list[Tensor]] = list(self.module.parameters()), list(network.parameters())
            self._pairs = network, [parameters, (list(self.module.buffers()), list(network.buffers()))]
        return self._pairs[1]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Average":
        self._pairs = None  # a move to another device makes new buffers
        return super()._apply(fn, recurse)
