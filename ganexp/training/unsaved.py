"""A run that could not be resumed exactly is refused after its first iterations, or told of when it is saved."""

import sys
from typing import Any

from lightning.pytorch import Callback, Trainer
from tqdm import tqdm

from ganexp.config.errors import ConfigError
from ganexp.models import GAN
from ganexp.models.hidden import State, changed

_SECTIONS = {"loss": "loss", "augmentation": "augmentation", "generator": "network", "discriminator": "network"}


class UnsavedState(Callback):
    """Look for numbers and tensors that are plain attributes of some part of the model, and change while it trains.

    No checkpoint has them, so a resumed run would begin with those of the constructor.
    """

    def __init__(self) -> None:
        self._before: State | None = None
        self._begun = self._told = False

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Remember what there is."""
        if self._before is None:
            self._before = pl_module.plain_state()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Compare after the first iterations.

        Raises:
            ConfigError: Something has changed.
        """
        if not self._begun:
            self._begun = True
            if refusal := self._refusal(pl_module):
                raise refusal

    def on_save_checkpoint(self, trainer: Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Say once what has changed since: the work that is done is not given up for it."""
        if not self._told and trainer.is_global_zero and (refusal := self._refusal(pl_module)):
            self._told = True
            tqdm.write(f"ganexp: iteration {pl_module.counters.iteration:,}: {refusal}", file=sys.stderr)

    def _refusal(self, model: GAN) -> ConfigError | None:
        place, name = next(changed(self._before, model.plain_state()), (None, "")) if self._before is not None else (None, "")
        if place is None:
            return None
        owner = type(model.get_submodule(place)).__name__
        first, _, rest = place.partition(".")
        section = f"regularizers.{rest}" if first == "regularizers" and rest != "penalty" else _SECTIONS.get(first, "model")
        return ConfigError(
            f"{owner}.{name} changes while training, and no checkpoint has it: a resumed run would be another",
            "penalty" if rest == "penalty" else section,
            hint=f"self.register_buffer({name!r}, tensor) saves it; with persistent=False, nothing may depend on it",
        )
