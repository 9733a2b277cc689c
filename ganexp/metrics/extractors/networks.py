"""What extractors that are networks share: copies on devices, and a hash of the weights."""

from copy import deepcopy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from ganexp.data.base import digest

Network = TypeVar("Network", bound=nn.Module)


class Copies(Generic[Network]):
    """A fixed network on the CPU, and a copy of it on every other device that was asked for.

    Arguments:
        network: The network; it goes into evaluation mode, without gradients.
    """

    def __init__(self, network: Network) -> None:
        self._copies = {torch.device("cpu"): network.requires_grad_(False).eval().cpu()}
        self.hash = weights_hash(network)

    def on(self, device: torch.device) -> Network:
        """Return the network on a device."""
        if device not in self._copies:
            self._copies[device] = deepcopy(self._copies[torch.device("cpu")]).to(device)
        return self._copies[device]


def weights_hash(network: nn.Module) -> str:
    """Return a digest of the names and values of the state of a network on the CPU: 16 hexadecimal digits."""
    return digest(*(part for name, value in network.state_dict().items() for part in (name, value.reshape(-1))))


def check_bytes(images: Tensor) -> None:
    """Refuse images that are no bytes.

    Raises:
        TypeError: They are not uint8.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"an extractor sees bytes (uint8), not {images.dtype}")
