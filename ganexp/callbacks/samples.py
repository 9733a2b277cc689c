"""Pictures: the same latents, drawn again and again while the generator learns."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from ganexp.callbacks.periodic import Periodic
from ganexp.models import GAN
from ganexp.pictures import draw, save_gif, save_png
from ganexp.types import PositiveFloat, PositiveInt

_SEED = 0  # the same in every run, so that runs are compared on the same latents


class Samples(Periodic):
    """Save ``samples/<iteration>.png`` from fixed latents, show them in TensorBoard, and end with ``training.gif``.

    The first picture is drawn before training. A picture never changes training: latents and labels come from a generator of
    their own.

    Arguments:
        every: Iterations between two pictures; by default ``times`` of them are spread over the run.
        times: Pictures in a run.
        points: Number of samples in a picture of points.
        columns: Images per row; a conditional model draws a row per class, any other as many rows as columns.
        seconds: Length of the animation.
    """

    def __init__(
        self,
        every: PositiveInt | None = None,
        times: PositiveInt = 30,
        points: PositiveInt = 2000,
        columns: PositiveInt = 10,
        seconds: PositiveFloat = 8.0,
    ) -> None:
        super().__init__(every, times)
        self.points, self.columns, self.seconds = points, columns, seconds
        self._fixed: tuple[torch.Tensor, torch.Tensor] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Fix the latents and labels, and draw the beginning."""
        if not trainer.is_global_zero:
            return
        data = trainer.datamodule.data  # type: ignore[attr-defined]
        rows = data.num_classes if pl_module.conditional else self.columns
        n = self.points if len(data.shape) == 1 else self.columns * rows
        z = torch.randn(n, pl_module.latent_dim, generator=torch.Generator().manual_seed(_SEED))
        y = torch.arange(n) * max(data.num_classes, 1) // n  # sorted: a row of images is a class
        self._fixed = z.to(pl_module.device), y.to(pl_module.device)
        if pl_module.counters.iteration == 0:
            self.act(trainer, pl_module)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Draw, save and show one picture."""
        if self._fixed is None:
            return
        z, y = self._fixed
        data = trainer.datamodule.data  # type: ignore[attr-defined]
        picture = draw(model.sample(z, y), y if model.conditional else None, data)
        iteration = model.counters.iteration
        save_png(picture, self._folder(trainer) / f"{iteration:08d}.png")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("samples", picture, iteration, dataformats="HWC")

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Animate all that is there."""
        if self._fixed is None:
            return
        pictures = sorted(self._folder(trainer).glob("*.png"))
        save_gif(pictures, Path(trainer.default_root_dir) / "training.gif", self.seconds)

    @staticmethod
    def _folder(trainer: Trainer) -> Path:
        folder = Path(trainer.default_root_dir) / "samples"
        folder.mkdir(exist_ok=True)
        return folder
