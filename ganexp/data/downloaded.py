"""The image data sets that most papers report on; torchvision downloads, checks and reads them.

Contract: after `Downloaded.prepare` both splits can be read.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.data.base import SPLITS, Split
from ganexp.data.images import ImageOptions
from ganexp.data.published import Published


class Downloaded(Published):
    """A data set of torchvision, held in memory as bytes.

    Arguments:
        root: See :class:`ganexp.data.published.Published`.
        options: See :class:`ganexp.data.ImageOptions`.
    """

    checksums: ClassVar[dict[str, str]] = {}  # MD5 of published files that torchvision does not check when it reads them

    def __init__(self, root: str | None = None, **options: Unpack[ImageOptions]) -> None:
        super().__init__(root, **options)
        self._readable = False

    def prepare(self) -> None:
        """Download what is missing, and check that both splits can be read.

        Raises:
            ConfigError: A file is missing and cannot be downloaded or written, or is damaged.
        """
        if self._readable:
            return
        self.fetch()
        self._check_content()
        for split in SPLITS:
            self._open(split)
        self._readable = True

    def read(self, split: Split) -> tuple[Tensor, Tensor | None]:
        """Read the images (uint8, (N, C, H, W), in their own size), and their labels (int64, (N,)) if there are any."""
        images, labels = self._open(split)
        # Channels-last batches come as views of contiguous channels-first memory, so this copies nothing.
        return torch.as_tensor(images).contiguous(), labels if self.num_classes else None

    @abstractmethod
    def open(self, split: Split) -> tuple[Any, Any]:
        """Return the images of a split (uint8, (N, C, H, W)) and their labels (N,), as torchvision reads them."""

    def _check_content(self) -> None:
        from torchvision.datasets.utils import check_integrity

        wrong = [name for name, md5 in self.checksums.items() if not check_integrity(str(self.home / name), md5)]
        if wrong:
            hint = f"delete {'it' if len(wrong) == 1 else 'them'}: the next run downloads what is missing; or use data=digits"
            message = f"{' and '.join(wrong)} in {self.home}: the content is not that of the published {self.dataset}"
            raise ConfigError(message, "data", "data.root", hint=hint)

    def _open(self, split: Split) -> tuple[Any, Tensor]:
        """Return what :meth:`open` does, after checks."""
        try:
            images, found = self.open(split)
            labels = torch.as_tensor(found, dtype=torch.int64)
            if len(labels) != len(images) or (self.num_classes and (labels.min() < 0 or labels.max() >= self.num_classes)):
                raise ValueError("the labels do not fit the images")
        except Exception as error:  # whatever the damage provokes in a parser
            if self.is_missing():
                raise self.absent("was not prepared") from error
            raise self.damaged(" ".join(str(error).split()).partition(". ")[0] or type(error).__name__) from error
        return images, labels


class MNIST(Downloaded):
    """70,000 handwritten digits of 28x28 pixels, 60,000 of them for training.

    References:
        Gradient-based learning applied to document recognition (LeCun et al., 1998)
        http://yann.lecun.com/exdb/mnist/
    """

    dataset = "MNIST"
    checksums: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
    shape = (1, 28, 28)
    count = 60_000
    num_classes = 10
    class_names = tuple(str(digit) for digit in range(10))

    def open(self, split: Split) -> tuple[Any, Any]:
        """Return the images and labels as torchvision reads them."""
        dataset = self.torchvision(self.root, train=split == "train")
        return dataset.data.unsqueeze(1), dataset.targets

    def files(self) -> list[str]:
        """Name the two files of images and the two of labels."""
        return [f"{self.dataset}/raw/{name.removesuffix('.gz')}" for name, _ in self.torchvision.resources]

    def archives(self) -> dict[str, list[str]]:
        """Return the four compressed files, each of which several mirrors have."""
        cls = self.torchvision
        return {f"{self.dataset}/raw/{name}": [mirror + name for mirror in cls.mirrors] for name, _ in cls.resources}


class FashionMNIST(MNIST):
    """70,000 pictures of clothes of 28x28 pixels, 60,000 of them for training; a drop-in replacement for MNIST.

    References:
        Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms (Xiao et al., 2017)
        https://arxiv.org/abs/1708.07747
    """

    dataset = "FashionMNIST"
    checksums: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    }
    class_names = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class CIFAR10(Downloaded):
    """60,000 colour photographs of 32x32 pixels in ten classes, 50,000 of them for training.

    References:
        Learning Multiple Layers of Features from Tiny Images (Krizhevsky, 2009)
        https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf
    """

    dataset = "CIFAR10"
    shape = (3, 32, 32)
    count = 50_000
    num_classes = 10
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    def open(self, split: Split) -> tuple[Any, Any]:
        """Return the images and labels as torchvision reads them."""
        dataset = self.torchvision(self.root, train=split == "train")
        return torch.as_tensor(dataset.data).movedim(-1, 1), dataset.targets

    def files(self) -> list[str]:
        """Name the five batches of training images, the one of test images, and the description."""
        cls = self.torchvision
        names = [*(name for name, _ in (*cls.train_list, *cls.test_list)), cls.meta["filename"]]
        return [f"{cls.base_folder}/{name}" for name in names]

    def archives(self) -> dict[str, list[str]]:
        """Return the one archive."""
        return {self.torchvision.filename: [self.torchvision.url]}
