"""Differentiable augmentation: three operations on images, each drawn anew for every sample."""

from collections.abc import Callable

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import Probability
from ganexp.models.augmentations.base import Augmentation


class DiffAugment(Augmentation):
    """Change colour, place and completeness of images, in the order of a policy; values are not clamped afterwards.

    ``color`` adds U(-1/2, 1/2), then scales the distance of each pixel from its mean over the channels by U(0, 2), then that of
    each value from the image's mean by U(1/2, 3/2). ``translation`` shifts by whole pixels, uniformly up to an eighth of the
    side on either axis; what comes in is 0. ``cutout`` sets a square of half the side to 0, with its centre anywhere on the
    image.

    References:
        Differentiable Augmentation for Data-Efficient GAN Training (Zhao et al., 2020), https://arxiv.org/abs/2006.10738

    Arguments:
        policy: Names of the operations, with commas between them.
        probability: Share of the samples that each operation changes.

    Raises:
        ConfigError: An operation has no such name.
    """

    def __init__(self, policy: str = "color,translation,cutout", probability: Probability = 1.0) -> None:
        super().__init__()
        operations: dict[str, Callable[[Tensor], Tensor]] = {
            "color": self._color, "translation": self._translate, "cutout": self._cut_out,
        }  # fmt: skip
        names = [name.strip() for name in policy.split(",")]
        if unknown := [name for name in names if name not in operations]:
            hint = f"choices: {', '.join(operations)}"
            raise ConfigError(f"there is no operation {unknown[0]!r}", "augmentation.policy", hint=hint)
        self.probability = probability
        self._operations = [operations[name] for name in names]

    def check(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 3:
            raise ConfigError("this augmentation needs images", "augmentation", "data", hint="use augmentation=none")

    def forward(self, x: Tensor) -> Tensor:
        for operation in self._operations:
            changed = self._rand(x) < self.probability
            x = torch.where(changed, operation(x), x)
        return x

    def _rand(self, x: Tensor) -> Tensor:
        return torch.rand(len(x), 1, 1, 1, device=x.device, generator=self.random)

    def _integers(self, low: int, high: int, x: Tensor) -> Tensor:
        """Draw integers from low to high, both included, with shape (B, 1, 1)."""
        return torch.randint(low, high + 1, (len(x), 1, 1), device=x.device, generator=self.random)

    def _color(self, x: Tensor) -> Tensor:
        x = x + (self._rand(x) - 0.5)
        pixel = x.mean(1, keepdim=True)
        x = (x - pixel) * (2 * self._rand(x)) + pixel
        image = x.mean((1, 2, 3), keepdim=True)
        return (x - image) * (self._rand(x) + 0.5) + image

    def _translate(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        rows, columns = (
            torch.arange(side, device=x.device) + self._integers(-_part(side, 0.125), _part(side, 0.125), x)[:, 0]
            for side in (height, width)
        )
        inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None, :]
        samples = torch.arange(len(x), device=x.device)[:, None, None]
        moved = x.permute(0, 2, 3, 1)[samples, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
        return moved.permute(0, 3, 1, 2) * inside

    def _cut_out(self, x: Tensor) -> Tensor:
        covered = []
        for side in x.shape[2:]:
            size = _part(side, 0.5)
            first = self._integers(0, side - size % 2, x)[:, 0] - size // 2
            places = torch.arange(side, device=x.device)
            covered.append((places >= first) & (places < first + size))
        return x * ~(covered[0][:, None, :, None] & covered[1][:, None, None, :])


def _part(side: int, share: float) -> int:
    return int(side * share + 0.5)
