"""STL-10: few labelled photographs, and many without a label."""

from typing import Any

from typing_extensions import Unpack

from ganexp.data.base import Split
from ganexp.data.downloaded import Downloaded
from ganexp.data.images import ImageOptions


class STL10(Downloaded):
    """13,000 colour photographs of 96x96 pixels in ten classes, 5,000 of them for training.

    Arguments:
        root: See :class:`ganexp.data.published.Published`.
        unlabelled: Whether the 100,000 photographs without a label are training images, too, as in most papers on GANs. There
            are no classes then.
        options: See :class:`ganexp.data.ImageOptions`.

    References:
        An Analysis of Single-Layer Networks in Unsupervised Feature Learning (Coates et al., 2011)
        https://cs.stanford.edu/~acoates/stl10
    """

    dataset = "STL10"
    shape = (3, 96, 96)

    def __init__(self, root: str | None = None, unlabelled: bool = False, **options: Unpack[ImageOptions]) -> None:
        super().__init__(root, **options)
        self._train, self.count = ("train+unlabeled", 105_000) if unlabelled else ("train", 5_000)
        if unlabelled:
            self.unlabelled = "most of its images have none with data.unlabelled=true"
        else:
            self.class_names = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
            self.num_classes = len(self.class_names)

    def open(self, split: Split) -> tuple[Any, Any]:
        """Return the images and labels as torchvision reads them."""
        dataset = self.torchvision(self.root, split=self._train if split == "train" else split)
        return dataset.data, dataset.labels

    def files(self) -> list[str]:
        """Name the three files of images and the two of labels."""
        cls = self.torchvision
        return [f"{cls.base_folder}/{name}" for name, _ in (*cls.train_list, *cls.test_list)]

    def archives(self) -> dict[str, list[str]]:
        """Return the one archive."""
        return {self.torchvision.filename: [self.torchvision.url]}
