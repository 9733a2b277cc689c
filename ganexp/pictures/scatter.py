"""Pictures of points over the density that they should have.

Contract: a frame shows nothing of the frame before it; every point is either drawn or counted as outside.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

# Sides in pixels of a picture with one panel, and of a panel among several, which have a line of titles above them.
SIDE = 512
PANEL_SIDE = 384
HEAD = 24
DOTS_PER_INCH = 100

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
    """A picture of points, over a density where it is known, which is drawn once.

    Arguments:
        limits: The part of the plane to show: left, right, bottom, top.
        num_classes: Number of classes that labels may name; 0 without labels.
        heat: The density relative to its highest value, in the middle of square cells, with shape (cells, cells); rows go up.
        panels: What is drawn, from left to right.
    """

    def __init__(
        self,
        limits: tuple[float, float, float, float],
        num_classes: int,
        heat: Tensor | None = None,
        panels: Sequence[Panel] = (Panel(),),
    ) -> None:
        # The object-oriented interface: pyplot would keep global state and choose a backend.
        from matplotlib import colormaps
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.limits = limits
        count = len(panels)
        side, head = (SIDE, 0) if count == 1 else (PANEL_SIDE, HEAD)
        share = side / (side + head)
        figure = Figure(figsize=(count * side / DOTS_PER_INCH, (side + head) / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
        self._canvas = FigureCanvasAgg(figure)
        self._layers = []
        for index, panel in enumerate(panels):
            axes = figure.add_axes(((index + 0.08) / count, 0.06 * share, 0.89 / count, 0.91 * share))
            self._layers.append(self._panel(axes, panel, heat))
        cycle = colormaps["tab10"] if num_classes <= 10 else colormaps["turbo"].resampled(num_classes)
        self._palette = np.array([(0.84, 0.15, 0.16, 1.0), *(cycle(k) for k in range(num_classes))])
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def __call__(self, *clouds: Cloud) -> np.ndarray:
        """Draw one cloud of points in each panel, in the colours of their classes when it has labels.

        Points outside the panel, infinite ones and NaN are counted in its corner.
        """
        left, right, bottom, top = self.limits
        self._canvas.restore_region(self._background)
        for (points, labels), (dots, note) in zip(clouds, self._layers, strict=True):
            x, y = points.unbind(1)
            inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
            outside = len(points) - int(inside.sum())
            dots.set_offsets(points[inside].numpy())
            dots.set_facecolors(self._palette[:1] if labels is None else self._palette[1:][labels[inside].numpy()])
            note.set_text(f"{outside:,} of {len(points):,} points outside" if outside else "")
            dots.axes.draw_artist(dots)
            dots.axes.draw_artist(note)
        picture: np.ndarray = np.asarray(self._canvas.buffer_rgba())[..., :3].copy()
        return picture

    def _panel(self, axes: Any, panel: Panel, heat: Tensor | None) -> tuple[Any, Any]:
        """Draw what stays, and return what changes: the points and the note."""
        left, right, bottom, top = self.limits
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        axes.set_title(panel.title, fontsize=10, color="0.2")
        axes.tick_params(labelsize=8, color="0.6", labelcolor="0.35")
        axes.spines[:].set_color("0.8")
        if heat is not None:
            shade = heat.pow(panel.power).numpy()
            axes.imshow(shade, extent=self.limits, origin="lower", cmap="Blues", vmin=0, vmax=panel.white)
        dots = axes.scatter([], [], s=5, linewidths=0, alpha=0.7, animated=True)
        note = axes.text(0.02, 0.98, "", transform=axes.transAxes, va="top", fontsize=8, color="0.35", animated=True)
        note.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0})
        return dots, note
