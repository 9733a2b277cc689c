"""Pictures of samples: grids of images, points over their density, animations."""

from ganexp.pictures.animation import save_gif, save_png
from ganexp.pictures.grid import GAP_GREY, coloured, fewest_gaps, image_grid, to_bytes
from ganexp.pictures.samples import draw
from ganexp.pictures.scatter import Panel, Scatter

__all__ = ["GAP_GREY", "Panel", "Scatter", "coloured", "draw", "fewest_gaps", "image_grid", "save_gif", "save_png", "to_bytes"]
