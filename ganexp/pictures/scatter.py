"""Pictures of points over the density that they should have.

Contract: a frame shows nothing of the frame before it; every point is either drawn or counted as outside.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

# Sides in pixels of a picture with one panel, and of a panel among several, which have a line of titles above them.
SIDE = 512
PANEL_SIDE = 384
HEAD = 24
DOTS_PER_INCH = 100

# Points of the density per side of a panel.
CELLS = 256

Cloud = tuple[Tensor, Tensor | None]
"""Points with shape (N, 2) and their classes with shape (N,), or None."""


class Panel(NamedTuple):
    """How one panel looks beneath its points.

    The density d is drawn in the colour that stands at (d / max d)^power / white on a scale from white to dark blue. The
    default is a root, so that narrow modes have a visible halo, in light colours, so that points stand out.

    Attributes:
        title: The text above the panel.
        power: Power of the density that is drawn.
        white: How light the colours are; 1 uses the whole scale.
    """

    title: str = ""
    power: float = 0.12
    white: float = 1.8


class Scatter:
    """A picture of points over a density; the density is drawn once, at the first call.

    Arguments:
        density: Evaluates the density at points with shape (*, 2).
        limits: The part of the plane to show: left, right, bottom, top.
        num_classes: Number of classes that labels may name; 0 without labels.
        panels: What is drawn, from left to right.
        cells: Points per side at which the density is evaluated.
    """

    def __init__(
        self,
        density: Callable[[Tensor], Tensor],
        limits: tuple[float, float, float, float],
        num_classes: int,
        panels: Sequence[Panel] = (Panel(),),
        cells: int = CELLS,
    ) -> None:
        self.density = density
        self.limits = limits
        self.num_classes = num_classes
        self.panels = tuple(panels)
        self.cells = cells
        self._drawn: tuple[Any, ...] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # The canvas stays behind when a data set is copied or sent to another process.
        return {**self.__dict__, "_drawn": None}

    def __call__(self, *clouds: Cloud) -> np.ndarray:
        """Draw one cloud of points in each panel, in the colours of their classes when it has labels.

        Points outside the panel, infinite ones and NaN are counted in its corner.
        """
        canvas, background, layers, palette = self._drawn = self._drawn or self._prepare()
        left, right, bottom, top = self.limits
        canvas.restore_region(background)
        for (points, labels), (dots, note) in zip(clouds, layers, strict=True):
            x, y = points.unbind(1)
            inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
            outside = len(points) - int(inside.sum())
            dots.set_offsets(points[inside].numpy())
            dots.set_facecolors(palette[:1] if labels is None else palette[1:][labels[inside].numpy()])
            note.set_text(f"{outside:,} of {len(points):,} points outside" if outside else "")
            dots.axes.draw_artist(dots)
            dots.axes.draw_artist(note)
        picture: np.ndarray = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        return picture

    def _prepare(self) -> tuple[Any, ...]:
        # The object-oriented interface: pyplot would keep global state and choose a backend.
        from matplotlib import colormaps
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        count = len(self.panels)
        side, head = (SIDE, 0) if count == 1 else (PANEL_SIDE, HEAD)
        share = side / (side + head)
        figure = Figure(figsize=(count * side / DOTS_PER_INCH, (side + head) / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
        canvas = FigureCanvasAgg(figure)
        heat = self._heat()
        layers = []
        for index, panel in enumerate(self.panels):
            axes = figure.add_axes(((index + 0.08) / count, 0.06 * share, 0.89 / count, 0.91 * share))
            layers.append(self._panel(axes, panel, heat))
        cycle = colormaps["tab10"] if self.num_classes <= 10 else colormaps["turbo"].resampled(self.num_classes)
        palette = np.array([(0.84, 0.15, 0.16, 1.0), *(cycle(k) for k in range(self.num_classes))])
        canvas.draw()
        return canvas, canvas.copy_from_bbox(figure.bbox), layers, palette

    def _heat(self) -> Tensor:
        """Evaluate the density in the middle of every cell, relative to the highest; rows go up."""
        left, right, bottom, top = self.limits
        middles = (torch.arange(self.cells) + 0.5) / self.cells
        x, y = left + (right - left) * middles, bottom + (top - bottom) * middles
        heat = self.density(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1))
        return heat / heat.max().clamp(min=1e-30)

    def _panel(self, axes: Any, panel: Panel, heat: Tensor) -> tuple[Any, Any]:
        """Draw what stays, and return what changes: the points and the note."""
        left, right, bottom, top = self.limits
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        axes.set_title(panel.title, fontsize=10, color="0.2")
        axes.tick_params(labelsize=8, color="0.6", labelcolor="0.35")
        axes.spines[:].set_color("0.8")
        shade = heat.pow(panel.power).numpy()
        axes.imshow(shade, extent=self.limits, origin="lower", cmap="Blues", vmin=0, vmax=panel.white)
        dots = axes.scatter([], [], s=5, linewidths=0, alpha=0.7, animated=True)
        note = axes.text(0.02, 0.98, "", transform=axes.transAxes, va="top", fontsize=8, color="0.35", animated=True)
        note.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0})
        return dots, note
