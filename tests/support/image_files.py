"""Small image files, and what a folder of them is read as."""

from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ganexp.data import ImageFolder

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def save(path: Path, colour: Any = RED, size: tuple[int, int] = (8, 8), mode: str = "RGB", **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)


def only(folder: Path, **options: Any) -> torch.Tensor:
    """Load a folder with a single image."""
    images, labels = ImageFolder(str(folder), **{"size": 4, **options}).load("train")
    assert len(images) == 1 and labels is None and images.dtype == torch.uint8
    return images[0]


def colours(images: torch.Tensor) -> list[tuple[int, ...]]:
    """Return the colour in the middle of each image."""
    return [tuple(image[:, image.shape[1] // 2, image.shape[2] // 2].tolist()) for image in images]
