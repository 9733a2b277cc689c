"""What is real: data sets as objects, and the stream of batches drawn from them."""

from ganexp.data.base import Data, Split
from ganexp.data.batches import Batches, Groups
from ganexp.data.benchmarks import CIFAR10, MNIST, FashionMNIST
from ganexp.data.density import Density
from ganexp.data.downloaded import Downloaded
from ganexp.data.folder import ImageFolder
from ganexp.data.images import Digits, Images
from ganexp.data.points import Grid, Mixture, Points, Ring
from ganexp.data.stacked import StackedMNIST

__all__ = [
    "CIFAR10",
    "MNIST",
    "Batches",
    "Data",
    "Density",
    "Digits",
    "Downloaded",
    "FashionMNIST",
    "Grid",
    "Groups",
    "ImageFolder",
    "Images",
    "Mixture",
    "Points",
    "Ring",
    "Split",
    "StackedMNIST",
]
