"""Data sets, and the stream of batches drawn from them."""

from ganexp.data.arrays import ArrayImages
from ganexp.data.base import SEEDS, Data, Split, StreamOptions
from ganexp.data.batches import Batches, Groups
from ganexp.data.celeba import CelebA
from ganexp.data.cifar100 import CIFAR100
from ganexp.data.density import Density
from ganexp.data.downloaded import CIFAR10, MNIST, Downloaded, FashionMNIST
from ganexp.data.folder import ImageFolder
from ganexp.data.huggingface import HuggingFace
from ganexp.data.images import Digits, ImageOptions, Images
from ganexp.data.lsun import LSUN
from ganexp.data.points import Grid, Mixture, PointOptions, Points, Ring
from ganexp.data.published import Published
from ganexp.data.shapes import Moons, SwissRoll
from ganexp.data.stacked import StackedMNIST
from ganexp.data.stl10 import STL10
from ganexp.data.svhn import SVHN
from ganexp.data.table import PointFile

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "LSUN",
    "MNIST",
    "SEEDS",
    "STL10",
    "SVHN",
    "ArrayImages",
    "Batches",
    "CelebA",
    "Data",
    "Density",
    "Digits",
    "Downloaded",
    "FashionMNIST",
    "Grid",
    "Groups",
    "HuggingFace",
    "ImageFolder",
    "ImageOptions",
    "Images",
    "Mixture",
    "Moons",
    "PointFile",
    "PointOptions",
    "Points",
    "Published",
    "Ring",
    "Split",
    "StackedMNIST",
    "StreamOptions",
    "SwissRoll",
]
