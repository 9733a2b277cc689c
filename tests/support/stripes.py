"""Images whose classes are easy to learn."""

import torch

from ganexp.data import Images


class Made(Images):
    """Images that a test has made; the test split is the training split."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor | None, num_classes: int = 0, subset: int | None = None):
        self.shape, self.num_classes = tuple(images.shape[1:]), num_classes
        super().__init__(batch_size=16, subset=subset)
        self.images, self.labels = images, labels

    def read(self, split):
        return self.images, self.labels


def stripes(n: int = 100, classes: int = 4, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0, **options: int) -> Made:
    """Class c has a bright stripe at c on noise."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 100, (n, *shape), generator=generator)
    labels = torch.arange(n) % classes
    width = shape[2] // classes
    for c in range(classes):
        images[labels == c, :, :, c * width : (c + 1) * width] += 100
    return Made(images.to(torch.uint8), labels, classes, **options)
