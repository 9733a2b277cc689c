"""Draw the example pictures of ``data=density`` into ``ganexp/data/densities``: ``python scripts/draw_densities.py [FOLDER]``.

Each is a picture of 256x256 grey pixels, or a folder of several with one class each; bright is where points are. They are
formulas, so drawing them again gives the same pixels.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from ganexp.data.density import EXAMPLES
from ganexp.pictures import save_png

SIDE = 256
Lines = list[list[tuple[float, float]]]

# Pixel centres of the unit square, y up: row 0 is the top.
X, Y = np.meshgrid((np.arange(SIDE) + 0.5) / SIDE, 1 - (np.arange(SIDE) + 0.5) / SIDE)


def blob(x: float, y: float, sd: float = 0.05) -> np.ndarray:
    """Return a Gaussian bump whose top is 1."""
    return np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * sd**2))


def stroke(lines: Lines, width: float, soft: float = 0.02) -> np.ndarray:
    """Return lines of 1 on 0, whose edges fade within `soft`."""
    distance = np.full((SIDE, SIDE), np.inf)
    for line in lines:
        for (ax, ay), (bx, by) in pairwise(line):
            # The nearest point of the segment is at the clipped projection.
            dx, dy = bx - ax, by - ay
            t = np.clip(((X - ax) * dx + (Y - ay) * dy) / (dx**2 + dy**2), 0, 1)
            distance = np.minimum(distance, np.hypot(X - ax - t * dx, Y - ay - t * dy))
    return np.clip((width / 2 - distance) / soft + 0.5, 0, 1)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[tuple[float, float]]:
    """Return points on an ellipse between two angles in degrees."""
    angles = np.radians(np.linspace(start, end, 61))
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles]


def spiral(turns: float, radius: float) -> list[tuple[float, float]]:
    """Return points on a spiral that leaves the middle of the square."""
    t = np.linspace(0.12, 1, 400)
    angles = 2 * np.pi * turns * t
    return [(0.5 + radius * float(r * np.cos(a)), 0.5 + radius * float(r * np.sin(a))) for r, a in zip(t, angles, strict=True)]


def pictures() -> dict[str, np.ndarray]:
    """Return every example by its path without the ending; values in [0, 1], shape (256, 256)."""
    # Whole levels of grey, so that the classes add up to the picture of both; a whole number of pixels apart, so that they
    # have the same mass.
    left, right = (np.round(255 * bump) / 255 for bump in (blob(80 / SIDE, 164 / SIDE), blob(176 / SIDE, 92 / SIDE)))
    return {
        "two_blobs": left + right,
        "two_blobs_classes/left": left,
        "two_blobs_classes/right": right,
        "spiral": stroke([spiral(2.25, 0.44)], 0.045),
        "moons/lower": stroke([arc(0.62, 0.57, 0.26, 0.26, 180, 360)], 0.07),
        "moons/upper": stroke([arc(0.38, 0.43, 0.26, 0.26, 0, 180)], 0.07),
        "letters/A": stroke([[(0.375, 0.3), (0.495, 0.7), (0.615, 0.3)], [(0.423, 0.43), (0.567, 0.43)]], 0.05),
        "letters/G": stroke([[*arc(0.19, 0.5, 0.12, 0.2, 40, 345), (0.31, 0.48), (0.21, 0.48)]], 0.05),
        "letters/N": stroke([[(0.69, 0.3), (0.69, 0.7), (0.92, 0.3), (0.92, 0.7)]], 0.05),
        "checkerboard": ((X * 4).astype(int) + (Y * 4).astype(int)) % 2,
    }


def main(folder: Path) -> None:
    """Write the pictures."""
    for name, values in pictures().items():
        grey = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
        save_png(grey, folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES)
