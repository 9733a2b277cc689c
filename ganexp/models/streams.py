"""Random numbers by name: what is drawn for one purpose never shifts what is drawn for another.

A run's numbers come from streams of their own, each a function of the run's seed and of its name: the weights of each network,
the order of the data (:mod:`ganexp.data.batches`), the latents, the regularizers, the augmentation; pictures and measurements
have seeds of their own. What is left to torch's global generator is dropout.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ganexp.data.batches import mix

SHARED = ("latents",)
"""Streams that all processes of a run share; of the others, each has its own."""

NAMES = (*SHARED, "regularizers", "augmentation")


class Streams:
    """The random generators of a run, by name.

    Arguments:
        seed: The run's seed.
        device: Where numbers are drawn.
        rank: Index of this process.
    """

    def __init__(self, seed: int, device: torch.device, rank: int = 0) -> None:
        keys = {name: mix(seed, name) if name in SHARED else mix(seed, name, rank) for name in NAMES}
        self._generators = {name: torch.Generator(device).manual_seed(key) for name, key in keys.items()}

    def __getitem__(self, name: str) -> torch.Generator:
        return self._generators[name]

    def state_dict(self) -> dict[str, Tensor]:
        """Return where every stream stands."""
        return {name: generator.get_state() for name, generator in self._generators.items()}

    def load_state_dict(self, states: dict[str, Tensor], names: tuple[str, ...] = NAMES) -> None:
        """Continue :meth:`state_dict`, or only some of its streams."""
        for name in names:
            self._generators[name].set_state(states[name].cpu())


@contextmanager
def own(name: str) -> Iterator[None]:
    """Draw from torch's global generator, for a while, a stream of the run's own; afterwards it is as it was."""
    seed = torch.initial_seed()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(seed, name))
        yield
