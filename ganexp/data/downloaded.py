"""The image data sets that most papers report on; torchvision downloads, checks and reads them.

Contract: after `Downloaded.prepare` both splits can be read; files that are there are never replaced.
"""

import os
import socket
import urllib.request
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError

import torch
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data.base import SPLITS, Split, cache_folder
from ganexp.data.images import ImageOptions, Images
from ganexp.runs.locks import alone

# Seconds after which a server that does not answer counts as unreachable, and a download that stalls as failed.
REACH_TIMEOUT = 3.0
STALL_TIMEOUT = 30.0


class Downloaded(Images):
    """A data set of torchvision, held in memory as bytes.

    Its files are looked for in `root`, else in the folder named by the environment variable GANEXP_DATA, else in
    `ganexp/data` of the user's cache folder; missing ones are downloaded there, or unpacked from archives that are there.

    Arguments:
        root: Folder with the files, laid out as torchvision does it.
        options: See :class:`ganexp.data.ImageOptions`.
    """

    dataset: ClassVar[str]  # the class in torchvision.datasets
    checksums: ClassVar[dict[str, str]] = {}  # MD5 of published files that torchvision does not check when it reads them

    def __init__(self, root: str | None = None, **options: Unpack[ImageOptions]) -> None:
        super().__init__(**options)
        chosen = root or os.environ.get("GANEXP_DATA") or cache_folder("data")
        self.root = user_path(chosen).absolute()
        self._readable = False

    @abstractmethod
    def files(self) -> list[str]:
        """Name the files that must be there, relative to the root."""

    @abstractmethod
    def archives(self) -> dict[str, list[str]]:
        """Return what torchvision downloads: each file, relative to the root, and the addresses that have it."""

    @property
    def derived(self) -> Path:
        """`derived` in the root, or in the user's cache folder where the root cannot be written."""
        return self.root / "derived" if os.access(self.root, os.W_OK) else cache_folder("derived")

    @property
    def torchvision(self) -> Any:
        """The class of torchvision, imported late: it takes a second or more."""
        from torchvision import datasets

        return getattr(datasets, self.dataset)

    def prepare(self) -> None:
        """Download what is missing, and check that both splits can be read.

        Raises:
            ConfigError: A file is missing and cannot be downloaded or written, or is damaged.
        """
        if self._readable:
            return
        if self._missing():
            self._download()
        self._check_content()
        for split in SPLITS:
            self._open(split)
        self._readable = True

    def read(self, split: Split) -> tuple[Tensor, Tensor]:
        """Read the images (uint8, (N, C, H, W), in their own size) and their labels (int64, (N,))."""
        dataset = self._open(split)
        # Channels-last batches come as views of contiguous channels-first memory, so this copies nothing.
        images = torch.as_tensor(dataset.data)
        images = images.unsqueeze(1) if images.ndim == 3 else images.movedim(-1, 1)
        return images.contiguous(), torch.as_tensor(dataset.targets, dtype=torch.int64)

    def _check_content(self) -> None:
        from torchvision.datasets.utils import check_integrity

        wrong = [name for name, md5 in self.checksums.items() if not check_integrity(str(self._folder / name), md5)]
        if wrong:
            hint = f"delete {'it' if len(wrong) == 1 else 'them'}: the next run downloads what is missing; or use data=digits"
            message = f"{' and '.join(wrong)} in {self._folder}: the content is not that of the published {self.dataset}"
            raise ConfigError(message, "data", "data.root", hint=hint)

    def _open(self, split: Split) -> Any:
        """Return the data set as torchvision reads it, after its checks."""
        try:
            dataset = self.torchvision(self.root, train=split == "train")
            labels = torch.as_tensor(dataset.targets)
            if len(labels) != len(dataset.data) or labels.min() < 0 or labels.max() >= self.num_classes:
                raise ValueError("the labels do not fit the images")
        except Exception as error:  # whatever the damage provokes in a parser
            if self._missing():
                raise self._absent("was not prepared") from error
            reason = " ".join(str(error).split()).partition(". ")[0] or type(error).__name__
            hint = "delete the folder: the next run downloads it again; or use data=digits"
            raise ConfigError(f"{self._folder} is damaged: {reason}", "data", "data.root", hint=hint) from error
        return dataset

    @property
    def _folder(self) -> Path:
        return (self.root / self.files()[0]).parent

    def _missing(self) -> bool:
        return any(not (self.root / file).exists() for file in self.files())

    def _download(self) -> None:
        absent = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        try:
            for archive, urls in self.archives().items():
                if not (self.root / archive).exists():
                    _reach(urls)
            with alone(cache_folder("data") / self.dataset), _stall_timeout():
                self.torchvision(self.root, download=True)
        except (OSError, RuntimeError, EOFError, HTTPException) as error:
            for path in absent:
                with suppress(OSError):  # not made, or not empty
                    path.rmdir()
            raise self._absent(f"cannot be downloaded: {' '.join(str(getattr(error, 'reason', error)).split())}") from error

    def _absent(self, reason: str) -> ConfigError:
        names = ", ".join(Path(file).name for file in self.files())
        below = self._folder.relative_to(self.root)
        return ConfigError(
            f"{self.dataset} is not in {self.root} and {reason}",
            "data",
            "data.root",
            hint=f"put {names} into FOLDER/{below} and set data.root=FOLDER or GANEXP_DATA=FOLDER, or use data=digits",
        )


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

    def files(self) -> list[str]:
        """Name the five batches of training images, the one of test images, and the description."""
        cls = self.torchvision
        names = [*(name for name, _ in (*cls.train_list, *cls.test_list)), cls.meta["filename"]]
        return [f"{cls.base_folder}/{name}" for name in names]

    def archives(self) -> dict[str, list[str]]:
        """Return the one archive."""
        return {self.torchvision.filename: [self.torchvision.url]}


def _reach(urls: list[str]) -> None:
    """Return when one of the addresses answers, which torchvision would wait for without a time-out.

    Raises:
        OSError: None does.
    """
    failures: list[OSError] = []
    for url in urls:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=REACH_TIMEOUT).close()
            return
        except OSError as error:
            if isinstance(error, HTTPError):
                error.close()
            failures.append(error)
    raise failures[-1]


@contextmanager
def _stall_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
