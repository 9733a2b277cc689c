"""House numbers."""

from typing import Any

import numpy as np
from typing_extensions import Unpack

from ganexp.data.base import Split
from ganexp.data.downloaded import Downloaded
from ganexp.data.images import ImageOptions


class SVHN(Downloaded):
    """99,289 digits from photographs of house numbers, 32x32 pixels in colour, 73,257 of them for training.

    Arguments:
        root: See :class:`ganexp.data.published.Published`.
        extra: Whether the 531,131 additional, easier images are training images, too.
        options: See :class:`ganexp.data.ImageOptions`.

    References:
        Reading Digits in Natural Images with Unsupervised Feature Learning (Netzer et al., 2011)
        http://ufldl.stanford.edu/housenumbers
    """

    dataset = "SVHN"
    shape = (3, 32, 32)
    num_classes = 10
    class_names = tuple(str(digit) for digit in range(10))

    def __init__(self, root: str | None = None, extra: bool = False, **options: Unpack[ImageOptions]) -> None:
        super().__init__(root, **options)
        self._parts: dict[Split, list[str]] = {"train": ["train", *(["extra"] if extra else [])], "test": ["test"]}
        self.count = 73_257 + 531_131 * extra

    def open(self, split: Split) -> tuple[Any, Any]:
        """Return the images and labels as torchvision reads them."""
        found = [self.torchvision(self.root, split=part) for part in self._parts[split]]
        return np.concatenate([part.data for part in found]), np.concatenate([part.labels for part in found])

    def files(self) -> list[str]:
        """Name a file for each part."""
        return [self.torchvision.split_list[part][1] for part in self._all()]

    def archives(self) -> dict[str, list[str]]:
        """Return the same files: they are no archives."""
        listed = self.torchvision.split_list
        return {listed[part][1]: [listed[part][0]] for part in self._all()}

    def download(self) -> None:
        """Download each part, one after the other."""
        for part in self._all():
            self.torchvision(self.root, split=part, download=True)

    def _all(self) -> list[str]:
        return [part for parts in self._parts.values() for part in parts]
