"""The image data sets that most papers report on.

Contract: names, addresses and checksums are torchvision's own tables, so what is changed there holds here.
"""

import math
import struct

from ganexp.data.downloaded import Archive, Downloaded


class MNIST(Downloaded):
    """70,000 handwritten digits of 28x28 pixels, 60,000 of them for training.

    References:
        Gradient-based learning applied to document recognition (LeCun et al., 1998)
        http://yann.lecun.com/exdb/mnist/
    """

    dataset = "MNIST"
    shape = (1, 28, 28)
    num_classes = 10
    class_names = tuple(str(digit) for digit in range(10))

    def files(self) -> list[str]:
        """Name the two files of images and the two of labels."""
        return [archive.path.removesuffix(".gz") for archive in self.archives()]

    def archives(self) -> list[Archive]:
        """Name the compressed files, each of which several mirrors have."""
        cls = self.torchvision
        return [
            Archive(f"{self.dataset}/raw/{name}", md5, [mirror + name for mirror in cls.mirrors]) for name, md5 in cls.resources
        ]

    def intact(self, file: str) -> bool:
        """Check that a file is as long as its header says, and holds what its name says."""
        # The class's shape: that of an object may have been resized.
        item = type(self).shape[1:] if "images" in file else ()
        path = self.root / file
        length = 4 * (2 + len(item))
        with path.open("rb") as stream:
            header = stream.read(length)
        if len(header) < length:
            return False
        magic, *dims = struct.unpack(f">{2 + len(item)}I", header)
        # 0x08: unsigned bytes; then the number of dimensions.
        return (magic, *dims[1:]) == (0x0800 + len(dims), *item) and path.stat().st_size == length + math.prod(dims)


class FashionMNIST(MNIST):
    """70,000 pictures of clothes of 28x28 pixels, 60,000 of them for training; a drop-in replacement for MNIST.

    References:
        Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms (Xiao et al., 2017)
        https://arxiv.org/abs/1708.07747
    """

    dataset = "FashionMNIST"
    class_names = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class CIFAR10(Downloaded):
    """60,000 colour photographs of 32x32 pixels in ten classes, 50,000 of them for training.

    References:
        Learning Multiple Layers of Features from Tiny Images (Krizhevsky, 2009)
        https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf
    """

    dataset = "CIFAR10"
    shape = (3, 32, 32)
    num_classes = 10
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    def files(self) -> list[str]:
        """Name the five batches of training images, the one of test images, and the description."""
        return list(self._sums())

    def archives(self) -> list[Archive]:
        """Name the one archive."""
        cls = self.torchvision
        return [Archive(cls.filename, cls.tgz_md5, [cls.url])]

    def intact(self, file: str) -> bool:
        """Compare a file with torchvision's checksum of it."""
        from torchvision.datasets.utils import check_md5

        return bool(check_md5(self.root / file, self._sums()[file]))

    def _sums(self) -> dict[str, str]:
        cls = self.torchvision
        pairs = [*cls.train_list, *cls.test_list, (cls.meta["filename"], cls.meta["md5"])]
        return {f"{cls.base_folder}/{name}": md5 for name, md5 in pairs}
