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
        decay: :math:`\beta` of an update.
        warmup: After n updates use at most :math:`(1 + n) / (10 + n)`, so that the first weights are soon forgotten.
        images: Half-life in images, in place of the decay: an update by m images has :math:`\beta = 2^{-m / images}`, 0 copies.

    References:
        The Unusual Effectiveness of Averaging in GAN Training (Yazici et al., 2019), https://arxiv.org/abs/1806.04498
    """

    def __init__(
        self, network: nn.Module, decay: float | None = None, warmup: bool = True, images: float | None = None
    ) -> None:
        super().__init__()
        self.module = deepcopy(network).requires_grad_(False)
        self.decay, self.warmup, self.images, self.updates = decay, warmup, images, 0
        self._pairs: tuple[nn.Module, list[tuple[list[Tensor], list[Tensor]]]] | None = None

    @torch.no_grad()
    def update(self, network: nn.Module, images: int) -> None:
        """Move the average towards ``network``, which has learnt from so many more images."""
        decay = self._decay(images)
        (average, weights), (copies, buffers) = self._paired_with(network)
        torch._foreach_lerp_(average, weights, 1 - decay)
        if buffers:
            torch._foreach_copy_(copies, buffers)
        self.updates += 1

    def _decay(self, images: int) -> float:
        decay = self.decay or 0.0
        if self.images is not None:
            decay = 0.5 ** (images / self.images) if self.images else 0.0
        return min(decay, (1 + self.updates) / (10 + self.updates)) if self.warmup else decay

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
            self._pairs = network, [parameters, (_buffers(self.module), _buffers(network))]
        return self._pairs[1]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Average":
        self._pairs = None  # a move to another device makes new buffers
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


def _buffers(network: nn.Module) -> list[Tensor]:
    """Return the buffers that are state, and no constants."""
    kept = network.state_dict()
    return [buffer for name, buffer in network.named_buffers() if name in kept]
