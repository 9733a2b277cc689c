"""Samples drawn as their data set says: images on a grid, points over their density.

Contract: equal samples of equal data give equal pictures, uint8 with shape (H, W, 3).
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ganexp.data import Data, Points
from ganexp.pictures.grid import image_grid
from ganexp.pictures.scatter import Cloud, Panel, Scatter

# Cells per side in which a density is evaluated for one panel, and for several beside each other, which show its details.
CELLS, PANEL_CELLS = 256, 512
PANELS = (Panel("target density", power=1, white=1), Panel("real points", 1, 4), Panel("generated points", 1, 4))

# What is drawn once for each data set: its scatter, and the real points that stand beside generated ones.
_drawn: WeakKeyDictionary[Points, tuple[Scatter, Cloud | None]] = WeakKeyDictionary()


def draw(
    data: Data,
    samples: Tensor,
    labels: Tensor | None = None,
    columns: int | None = None,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> np.ndarray:
    """Draw samples; the last three options concern images only.

    Arguments:
        data: The data set, which declares what its samples look like.
        samples: Decoded values with shape (N, *data.shape), on any device; they may be infinite or NaN.
        labels: Classes with shape (N,), or None; those of images that have no columns: equal ones together, as many of each.
        columns: Images in a row; by default a row per class where there are labels, else a square.
        titles: What is written above each image, N texts, or none.
        row_titles: What is written at the start of each row, or none.
    """
    samples, labels = samples.detach().float().cpu(), None if labels is None else labels.detach().cpu()
    if isinstance(data, Points):
        return _points(data, samples, labels)
    assert data.value_range is not None
    if columns is None and labels is not None:
        columns = int((labels == labels[0]).sum())
    return image_grid(samples, data.value_range, columns, titles, row_titles)


def _points(data: Points, samples: Tensor, labels: Tensor | None) -> np.ndarray:
    """Draw points over their density; beside it and as many real ones, where the data says so."""
    if data not in _drawn:
        panels, cells = (PANELS, PANEL_CELLS) if data.beside_real else ((Panel(),), CELLS)
        scatter = Scatter(data.limits, data.num_classes, _heat(data, cells), panels)
        _drawn[data] = scatter, data.load("test") if data.beside_real else None
    scatter, real = _drawn[data]
    samples = data.in_plane(samples)
    if real is None:
        return scatter((samples, labels))
    points, classes = (part if part is None else part[: len(samples)] for part in real)
    assert points is not None
    return scatter((samples[:0], None), (data.in_plane(points), None if labels is None else classes), (samples, labels))


def _heat(data: Points, cells: int) -> Tensor | None:
    """Evaluate the density in the middle of every cell, relative to the highest, with shape (cells, cells), in the plane."""
    if data.shape != (2,):
        return None
    left, right, bottom, top = data.limits
    middles = (torch.arange(cells) + 0.5) / cells
    x, y = left + (right - left) * middles, bottom + (top - bottom) * middles
    heat = data.density(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1))
    return None if heat is None else heat / heat.max().clamp(min=1e-30)
