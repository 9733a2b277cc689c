"""The LightningDataModule of every data set: resident tensors, batches made on the device."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.loops.progress import _ProcessedTracker
from torch import Tensor

from ganexp.data.base import Data
from ganexp.data.batches import Batches, Groups
from ganexp.data.checked import load
from ganexp.models import GAN
from ganexp.training.reduced import Reduced


class DataModule(LightningDataModule):
    """Feed a :class:`ganexp.models.GAN` with :class:`ganexp.data.batches.Groups` of a data set that is kept in memory.

    The training data lives on the training device; a batch is one gather there, so a step neither waits for the host nor for
    worker processes.

    Arguments:
        data: The data set.
        d_steps: Discriminator updates, and so batches, per iteration.
        seed: Seed of the order of the data.
        reduced: How much of it a run sees.

    Attributes:
        smallest: Samples of the smallest batch, over all devices; known once the budget is planned.
        iterations_per_epoch: Batches of an epoch over those of an iteration, no whole number where iterations straddle epochs;
            known once the budget is planned.
    """

    def __init__(self, data: Data, d_steps: int, seed: int, reduced: Reduced | None = None) -> None:
        super().__init__()
        self.data, self._reduced = data, reduced or Reduced()
        self._d_steps, self._seed = d_steps, seed
        self.smallest, self.iterations_per_epoch = 0, 0.0
        self._total = 0
        self._cadences: Sequence[int] = ()
        self._loaded: tuple[Tensor, Tensor | None] | None = None

    def prepare_data(self) -> None:
        """Download or check the files; called in one process per machine."""
        self.data.prepare()

    def setup(self, stage: str) -> None:
        """Load the training data into memory."""
        if self._loaded is None:
            self._loaded = load(self.data, "train")

    def plan(self, max_epochs: int | None, max_iterations: int | None) -> tuple[int, int]:
        """Set the budget, the smallest where several are given, and return it in iterations and in epochs begun."""
        groups = self._groups(rank=0, world_size=1)
        self.iterations_per_epoch = groups.batches.batches_per_epoch / self._d_steps
        self.smallest = groups.batches.smallest
        budgets = [max_iterations, None if max_epochs is None else groups.iterations(max_epochs), self._reduced.iterations]
        self._total = min(budget for budget in budgets if budget is not None)
        return self._total, groups.epoch_of(self._total - 1) + 1

    def stop_at(self, cadences: Sequence[int]) -> None:
        """Let Lightning's hooks fire exactly at the multiples of these numbers of iterations."""
        self._cadences = cadences

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Return the group as it is: its batches were made on the device."""
        return batch

    def train_dataloader(self) -> Groups:
        """Return the rest of the present epoch, from the model's own count of iterations."""
        trainer = self.trainer
        assert trainer is not None and self._loaded is not None
        x, y = self._loaded
        device = trainer.strategy.root_device
        self._loaded = x.to(device), y if y is None else y.to(device)
        groups = self._groups(trainer.global_rank, trainer.world_size)
        # Lightning counts the epochs of this process; a resumed run is in the middle.
        epoch, progress = groups.epoch_of(groups.position()), cast(_ProcessedTracker, trainer.fit_loop.epoch_progress.current)
        progress.ready = progress.started = progress.processed = progress.completed = epoch
        return groups

    def _groups(self, rank: int, world_size: int) -> Groups:
        self.setup("fit")
        assert self._loaded is not None
        x, y = self._loaded
        limit, fixed, data = self._reduced.limit, self._reduced.fixed, self.data
        batches = Batches(
            x,
            y,
            self._decode,
            data.batch_size,
            data.drop_last,
            self._seed,
            rank,
            world_size,
            limit=limit,
            fixed=fixed,
            balance=data.balance,
        )
        return Groups(batches, self._d_steps, self._total, self._position, self._cadences)

    def _position(self) -> int:
        return self._model.counters.iteration

    def _decode(self, raw: Tensor) -> Tensor:
        return self._model.decode(raw)

    @property
    def _model(self) -> GAN:
        assert self.trainer is not None
        return cast(GAN, self.trainer.lightning_module)
