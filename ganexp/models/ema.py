"""Exponential moving average of a network's weights."""

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

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards ``network``."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.warmup else self.decay
        torch._foreach_lerp_(list(self.module.parameters()), list(network.parameters()), 1 - decay)
        buffers: list[Tensor] = list(self.module.buffers())
        if buffers:
            torch._foreach_copy_(buffers, list(network.buffers()))
        self.updates += 1

    def get_extra_state(self) -> dict[str, int]:
        """Return what the weights do not hold."""
        return {"updates": self.updates}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Restore :meth:`get_extra_state`."""
        self.updates = state["updates"]
