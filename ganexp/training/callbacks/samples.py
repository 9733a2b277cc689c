"""Pictures: the same latents, drawn again and again while the generator learns."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from lightning.pytorch import Trainer
from torch import Tensor

from ganexp.config.types import PositiveFloat, PositiveInt
from ganexp.data import Data
from ganexp.models import GAN
from ganexp.pictures import draw, fewest_gaps, save_gif, save_png
from ganexp.runs.run import ANIMATION, FINAL
from ganexp.training.callbacks.periodic import Periodic
from ganexp.training.reports import show_picture

_SEED = 0  # the same in every run, so that runs are compared on the same latents

# The last picture: the side of the square of an unconditional model's images, and how many times as many points.
_FINAL_SIDE = 10
_FINAL_POINTS = 5


class _Plate(NamedTuple):
    """What a picture is drawn from, and how."""

    z: Tensor
    y: Tensor
    colours: bool
    columns: int
    titles: tuple[str, ...] = ()
    row_titles: tuple[str, ...] = ()

    def draw(self, model: GAN, data: Data) -> np.ndarray:
        labels = self.y if self.colours else None
        return draw(data, model.sample(self.z, self.y), labels, self.columns, self.titles, self.row_titles)


class Samples(Periodic):
    """Save ``samples/<iteration>.png`` from fixed latents, for TensorBoard too; end with ``training.gif`` and ``final.png``.

    The first picture is drawn before training. A picture never changes training: latents and labels come from a generator of
    their own. They are the same in every run of a model; on a GPU they are others than on the CPU.

    ``final.png`` shows more: 10x10 images, in rows of the same attributes where the model receives these; of a model that
    receives classes a row of ``columns`` images per class, with its name; or five times as many points.

    Arguments:
        every: Iterations between two pictures; by default ``times`` of them are spread over the run.
        times: Pictures in a run.
        points: Number of samples in a picture of points.
        columns: Images per row.
        seconds: Length of the animation.
        epochs: Epochs between two pictures.
        count: Images of an unconditional model; by default as many rows as columns.
        layout: What a conditional model shows while it learns: a row per class (``rows``), or one image per class
            under its name (``titled``).
    """

    def __init__(
        self,
        every: PositiveInt | None = None,
        times: PositiveInt = 30,
        points: PositiveInt = 2000,
        columns: PositiveInt = 10,
        seconds: PositiveFloat = 8.0,
        epochs: PositiveInt | None = None,
        count: PositiveInt | None = None,
        layout: Literal["rows", "titled"] = "rows",
    ) -> None:
        super().__init__(every, times, epochs)
        self.points, self.columns, self.seconds = points, columns, seconds
        self.count, self.layout = count, layout
        self._plate: _Plate | None = None

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Fix the latents and labels, and draw the beginning."""
        if not trainer.is_global_zero:
            return
        self._plate = self._prepare(pl_module, _data(trainer), final=False)
        if pl_module.counters.iteration == 0:
            self.act(trainer, pl_module)

    def act(self, trainer: Trainer, model: GAN) -> None:
        """Draw, save and show one picture."""
        if self._plate is None:
            return
        picture, iteration = self._plate.draw(model, _data(trainer)), model.counters.iteration
        save_png(picture, self._folder(trainer) / f"{iteration:08d}.png")
        for logger in trainer.loggers:
            show_picture(logger, "samples", picture, iteration)

    def on_fit_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Animate all that is there, and draw the end; also where no iteration was left to train."""
        if not trainer.is_global_zero:
            return
        folder, data = Path(trainer.default_root_dir), _data(trainer)
        # Nothing but the run's own pictures, and none of iterations that a killed process had been through.
        drawn = (path for path in self._folder(trainer).glob("*.png") if path.stem.isdecimal() and path.is_file())
        frames = sorted(path for path in drawn if int(path.stem) <= pl_module.counters.iteration)
        save_gif(frames, folder / ANIMATION, self.seconds)
        save_png(self._prepare(pl_module, data, final=True).draw(pl_module, data), folder / FINAL)

    def _prepare(self, model: GAN, data: Data, final: bool) -> _Plate:
        """Draw latents and labels, and choose the picture's layout."""
        generator = torch.Generator(model.device).manual_seed(_SEED)
        classes = model.label_classes
        if len(data.shape) == 1:
            n = self.points * (_FINAL_POINTS if final else 1)
            z, y = model.sample_latent(n, generator), model.sample_labels(n, generator)
            y = y.sort().values if classes else y
            return _Plate(z, y, 0 < classes <= data.num_classes, self.columns)
        if not classes:
            columns = _FINAL_SIDE if final else self.columns
            n = columns * columns if final else self.count or columns * columns
            z, y = model.sample_latent(n, generator), model.sample_labels(n, generator)
            if model.label_size:  # a row of the same attributes
                y = y[torch.arange(n, device=y.device) // columns]
            return _Plate(z, y, False, columns)
        names = model.label_names or tuple(map(str, range(classes)))
        if self.layout == "titled" and not final:
            y = torch.arange(classes, device=model.device)
            return _Plate(model.sample_latent(classes, generator), y, True, fewest_gaps(classes), titles=names)
        y = torch.arange(classes, device=model.device).repeat_interleave(self.columns)
        return _Plate(model.sample_latent(len(y), generator), y, True, self.columns, row_titles=names if final else ())

    @staticmethod
    def _folder(trainer: Trainer) -> Path:
        folder = Path(trainer.default_root_dir) / "samples"
        folder.mkdir(exist_ok=True)
        return folder


def _data(trainer: Trainer) -> Data:
    return trainer.datamodule.data  # type: ignore[attr-defined]
