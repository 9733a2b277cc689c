"""Pictures of points over the density that they should have.

Contract: a frame shows nothing of the frame before it; every point is either drawn or counted as outside.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Points: side of the picture in pixels, and points of its density per side.
SIDE = 512
CELLS = 256
DOTS_PER_INCH = 100


class Scatter:
    """A picture of points over a density; the density is drawn once, at the first call.

    Arguments:
        density: Evaluates the density at points with shape (*, 2).
        limits: The part of the plane to show: left, right, bottom, top.
        num_classes: Number of classes that labels may name; 0 without labels.
    """

    def __init__(
        self,
        density: Callable[[Tensor], Tensor],
        limits: tuple[float, float, float, float],
        num_classes: int,
    ) -> None:
        self.density = density
        self.limits = limits
        self.num_classes = num_classes
        self._drawn: tuple[Any, ...] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # The canvas stays behind when a data set is copied or sent to another process.
        return {**self.__dict__, "_drawn": None}

    def __call__(self, points: Tensor, labels: Tensor | None = None) -> np.ndarray:
        """Draw points with shape (N, 2), in the colours of their classes when labels with shape (N,) are given.

        Points outside the picture, infinite ones and NaN are counted in a corner.
        """
        canvas, background, dots, note, palette = self._drawn = self._drawn or self._prepare()
        left, right, bottom, top = self.limits
        x, y = points.unbind(1)
        inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        outside = len(points) - int(inside.sum())
        dots.set_offsets(points[inside].numpy())
        dots.set_facecolors(palette[:1] if labels is None else palette[1:][labels[inside].numpy()])
        note.set_text(f"{outside:,} of {len(points):,} points outside" if outside else "")
        canvas.restore_region(background)
        axes = dots.axes
        axes.draw_artist(dots)
        axes.draw_artist(note)
        picture: np.ndarray = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        return picture

    def _prepare(self) -> tuple[Any, ...]:
        # The object-oriented interface: pyplot would keep global state and choose a backend.
        from matplotlib import colormaps
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        left, right, bottom, top = self.limits
        figure = Figure(figsize=(SIDE / DOTS_PER_INCH, SIDE / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes((0.08, 0.06, 0.89, 0.91), xlim=(left, right), ylim=(bottom, top), aspect="equal")
        axes.tick_params(labelsize=8, color="0.6", labelcolor="0.35")
        axes.spines[:].set_color("0.8")
        x = left + (right - left) * (torch.arange(CELLS) + 0.5) / CELLS
        y = bottom + (top - bottom) * (torch.arange(CELLS) + 0.5) / CELLS
        heat = self.density(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1))
        # A root of the density, so that narrow modes have a visible halo; light colours, so that points stand out.
        heat = (heat / heat.max().clamp(min=1e-30)).pow(0.12)
        axes.imshow(heat.numpy(), extent=self.limits, origin="lower", cmap="Blues", vmin=0, vmax=1.8)
        dots = axes.scatter([], [], s=5, linewidths=0, alpha=0.7, animated=True)
        note = axes.text(0.02, 0.98, "", transform=axes.transAxes, va="top", fontsize=8, color="0.35", animated=True)
        note.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0})
        cycle = colormaps["tab10"] if self.num_classes <= 10 else colormaps["turbo"].resampled(self.num_classes)
        palette = np.array([(0.84, 0.15, 0.16, 1.0), *(cycle(k) for k in range(self.num_classes))])
        canvas.draw()
        return canvas, canvas.copy_from_bbox(figure.bbox), dots, note, palette
