"""Data sets, and the stream of batches drawn from them."""

from ganexp.data.base import SEEDS, Data, Split, StreamOptions
from ganexp.data.batches import Batches, Groups
from ganexp.data.density import Density
from ganexp.data.downloaded import CIFAR10, MNIST, Downloaded, FashionMNIST
from ganexp.data.folder import ImageFolder
from ganexp.data.images import Digits, ImageOptions, Images
from ganexp.data.points import Grid, Mixture, PointOptions, Points, Ring
from ganexp.data.stacked import StackedMNIST

__all__ = [
    "CIFAR10",
    "MNIST",
    "SEEDS",
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
    "PointOptions",
    "Points",
    "Ring",
    "Split",
    "StackedMNIST",
    "StreamOptions",
]
