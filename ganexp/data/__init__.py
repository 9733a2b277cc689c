"""Data sets, and the stream of batches drawn from them."""

from ganexp.data.arrays import ArrayImages
from ganexp.data.base import SEEDS, Data, Split, StreamOptions
from ganexp.data.batches import Batches, Groups
from ganexp.data.cifar100 import CIFAR100
from ganexp.data.density import Density
from ganexp.data.downloaded import CIFAR10, MNIST, Downloaded, FashionMNIST
from ganexp.data.folder import ImageFolder
from ganexp.data.images import Digits, ImageOptions, Images
from ganexp.data.points import Grid, Mixture, PointOptions, Points, Ring
from ganexp.data.shapes import Moons, SwissRoll
from ganexp.data.stacked import StackedMNIST
from ganexp.data.table import PointFile

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "SEEDS",
    "ArrayImages",
    "Batches",
    "Data",
    "Density",
    "Digits",
    "Downloaded",
    "FashionMNIST",
    "Grid",
    "Groups",
    "ImageFolder",
    "ImageOptions",
    "Images",
    "Mixture",
    "Moons",
    "PointFile",
    "PointOptions",
    "Points",
    "Ring",
    "Split",
    "StackedMNIST",
    "StreamOptions",
    "SwissRoll",
]
