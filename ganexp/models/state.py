"""The state of a training run besides weights: counters, random number generators, and values on their way to the loggers."""

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer


@dataclass
class Counters:
    """Progress in the units that users think in; Lightning's own counters count optimiser steps."""

    iteration: int = 0
    d_updates: int = 0
    g_updates: int = 0
    images_seen: int = 0

    def count(self, player: str) -> None:
        """Count one update of player ``d`` or ``g``."""
        if player == "d":
            self.d_updates += 1
        else:
            self.g_updates += 1

    def updates(self, player: str) -> int:
        """Return the updates of player ``d`` or ``g``."""
        return self.d_updates if player == "d" else self.g_updates


class Observations:
    """Values of the iterations since the last log entry, kept on their device.

    Reading a value waits for the device, and a log entry per iteration costs more than a small network's update. So values are
    kept as tensors, and reduced and read with a single wait, when a log entry is due.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, tag: str, value: Tensor) -> None:
        """Keep a value of any shape."""
        self._values[tag].append(value.detach())

    def take(self) -> dict[str, list[Tensor]]:
        """Return the values by tag, and forget them."""
        taken, self._values = self._values, defaultdict(list)
        return taken

    def state_dict(self) -> dict[str, list[Tensor]]:
        """Return the values since the last log entry."""
        return {tag: list(values) for tag, values in self._values.items()}

    def load_state_dict(self, values: dict[str, list[Tensor]], device: torch.device) -> None:
        """Continue :meth:`state_dict`."""
        self._values = defaultdict(list, {tag: [value.to(device) for value in kept] for tag, kept in values.items()})


def random_state() -> dict[str, Any]:
    """Return the state of every global random number generator, in types that ``torch.load(weights_only=True)`` accepts."""
    name, keys, position, has_gauss, cached = cast(tuple[str, np.ndarray, int, int, float], np.random.get_state(legacy=True))
    return {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Restore what :func:`random_state` returned; devices that are gone are left out."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    for index, device_state in enumerate(state["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(device_state.cpu(), index)


def follow_layout(optimizer: Optimizer) -> None:
    """Give what an optimiser remembers of a weight the weight's layout in memory, which may be another one since it was saved.

    Torch's fused optimisers take equal layouts for granted, and mistake the one number for the other.
    """
    for weight, remembered in optimizer.state.items():
        for name, value in remembered.items():
            if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride():
                remembered[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
