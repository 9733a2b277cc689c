"""Images, stored as uint8 and decoded per batch.

Contract: the byte b stands for low + (high - low) * b / 255, where (low, high) is the value range.
"""

import numpy as np
import torch
from torch import Tensor

from ganexp.data.base import Data, Split
from ganexp.errors import ConfigError
from ganexp.pictures import image_grid
from ganexp.types import PositiveInt


class Images(Data):
    """Images with shape (C, H, W) in memory as bytes.

    Arguments:
        value_range: Range of decoded values, (-1, 1) or (0, 1).
        batch_size: Images per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
    """

    value_range: tuple[float, float]

    def __init__(self, value_range: tuple[float, float], batch_size: int, drop_last: bool) -> None:
        low, high = value_range
        if (low, high) not in ((-1, 1), (0, 1)):
            raise ConfigError("the range of image values is [-1, 1] or [0, 1]", "data.value_range")
        self.value_range = (float(low), float(high))
        self.batch_size = batch_size
        self.drop_last = drop_last

    def decode(self, raw: Tensor) -> Tensor:
        """Map bytes to float32 in `value_range`."""
        low, high = self.value_range
        # In place on the fresh copy: twice as fast as a lookup table.
        return raw.to(torch.float32).mul_((high - low) / 255).add_(low)

    def picture(self, samples: Tensor, labels: Tensor | None = None) -> np.ndarray:
        """Draw the images on a grid, in the order given: a row per class where there are labels, else a square."""
        columns = None if labels is None else int((labels == labels[0]).sum())
        return image_grid(samples, self.value_range, columns)


class Digits(Images):
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn; needs no download.

    Every fifth image of each class is held out for testing.

    References:
        Optical Recognition of Handwritten Digits (Alpaydin & Kaynak, 1998)
        https://archive.ics.uci.edu/dataset/80

    Arguments:
        value_range: Range of decoded values, (-1, 1) or (0, 1).
        batch_size: Images per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
    """

    shape = (1, 8, 8)
    num_classes = 10
    class_names = tuple(str(digit) for digit in range(10))

    def __init__(
        self,
        value_range: tuple[float, float] = (-1, 1),
        batch_size: PositiveInt = 64,
        drop_last: bool = True,
    ) -> None:
        super().__init__(value_range, batch_size, drop_last)

    def load(self, split: Split) -> tuple[Tensor, Tensor]:
        """Read the images (uint8, (N, 1, 8, 8)) and their digits (int64, (N,)) from the installed package."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = torch.from_numpy(bunch.images).mul_(255 / 16).round_().to(torch.uint8).unsqueeze(1)
        labels = torch.from_numpy(bunch.target).to(torch.int64)
        rank_in_class = torch.nn.functional.one_hot(labels).cumsum(0).gather(1, labels[:, None]).squeeze(1)
        chosen = (rank_in_class % 5 == 0) == (split == "test")
        return images[chosen], labels[chosen]
