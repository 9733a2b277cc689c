"""The networks alone, for whoever wants to use them without this package's training."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from torch import Tensor, nn

from ganexp.config.types import PositiveInt
from ganexp.models import GAN
from ganexp.runs.archive import write
from ganexp.training.callbacks.periodic import Periodic


class Weights(Periodic):
    """Save each player's network as ``weights/<network>-<iteration>.pt``.

    The networks are ``generator``, ``discriminator`` and, when there is an average of the generator, ``generator_ema``. A file
    holds the network's plain ``state_dict`` on the CPU, which ``torch.load(path, weights_only=True)`` returns and the bare
    network loads. All files are kept. Nothing is resumed from them: a run that is stopped early has its checkpoint instead.

    Arguments:
        every: Iterations between two saves.
        times: Saves in a run; by default one, at the end.
        epochs: Epochs between two saves.
    """

    def __init__(self, every: PositiveInt | None = None, times: PositiveInt = 1, epochs: PositiveInt | None = None) -> None:
        super().__init__(every, times, epochs)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Save the networks as they are now."""
        if not trainer.is_global_zero:
            return
        networks: dict[str, nn.Module] = {"generator": model.generator, "discriminator": model.discriminator}
        if model.average is not None:
            networks["generator_ema"] = model.average.module
        for name, network in networks.items():
            path = Path(trainer.default_root_dir) / "weights" / f"{name}-{model.counters.iteration:08d}.pt"
            write({key: _on_cpu(value) for key, value in network.state_dict().items()}, path)


def _on_cpu(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value
