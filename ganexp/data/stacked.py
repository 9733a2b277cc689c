"""Three digits in one image: a thousand classes that can be counted.

Contract: channel c of an image is an image of MNIST, drawn uniformly, with replacement and independently of the others, from
the same split of it; with the digits a, b, c in the channels red, green and blue, the label is 100 a + 10 b + c. Which images
are drawn depends on nothing but the split.
"""

from functools import cached_property

import torch
from torch import Tensor
from typing_extensions import Unpack

from ganexp.data.base import SEEDS, Split, digest
from ganexp.data.downloaded import MNIST
from ganexp.data.images import ImageOptions

# Images of each split.
SIZES: dict[Split, int] = {"train": 128_000, "test": 26_000}


class StackedMNIST(MNIST):
    """154,000 images of 28x28 pixels with three digits of MNIST as channels, 128,000 of them for training.

    A generator that covers few of the thousand combinations has collapsed, which one of ten classes would not show. The
    training images take 300 MB of memory.

    References:
        Unrolled Generative Adversarial Networks (Metz et al., 2017)
        https://arxiv.org/abs/1611.02163

        PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018)
        https://arxiv.org/abs/1712.04086

    Arguments:
        root: Folder with the files of MNIST, laid out as torchvision does it.
        options: See :class:`ganexp.data.ImageOptions`.

    Attributes:
        layers: MNIST, whose images the channels are.
    """

    shape = (3, 28, 28)
    count = SIZES["train"]
    num_classes = 1000
    class_names = tuple(f"{number:03d}" for number in range(1000))

    def __init__(self, root: str | None = None, **options: Unpack[ImageOptions]) -> None:
        super().__init__(root, **options)
        self.layers: MNIST = MNIST(root, size=options.get("size"))

    def prepare(self) -> None:
        """Prepare the digits."""
        self.layers.prepare()

    def read(self, split: Split) -> tuple[Tensor, Tensor]:
        """Stack the images (uint8, (N, 3, H, W)) and combine their labels (int64, (N,))."""
        images, labels = self.layers.load(split)
        assert labels is not None
        generator = torch.Generator().manual_seed(SEEDS[split])
        chosen = torch.randint(len(images), (SIZES[split], 3), generator=generator)
        # One gather: the images are never in memory twice.
        return images[:, 0][chosen], labels[chosen] @ torch.tensor([100, 10, 1])

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the digits, which with the numbers of images determine the stacks."""
        return digest(type(self).__name__, self.layers.fingerprint, f"{SIZES} {self.subset}")
