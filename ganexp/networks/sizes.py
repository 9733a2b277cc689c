"""Sizes of the maps between an image and the base of a convolutional network, and which images fit.

With a depth that follows from the image, its size is base * 2^k, with k layers of stride 2 between a base x base map and the
image: 28 = 7 * 4, 32 = 4 * 8, 64 = 4 * 16. With a given depth, the size is halved that often, rounding up.
"""

import math
from collections.abc import Collection

from ganexp.config.errors import ConfigError
from ganexp.networks.players import Shape

_NAMED = 8
_INSTEAD = "or use model=gan (or network=mlp)"


def own_sizes(shape: Shape, largest: int, instead: str = "", least: int = 1) -> list[int]:
    """List the sizes from the image to its base, which is below 8 or odd.

    Arguments:
        shape: Shape of one image, (C, H, W).
        largest: Largest size of an image.
        instead: What else can be done for other sizes.
        least: Halve even sizes at least so often.

    Raises:
        ConfigError: The data is not made of square images with a size that fits.
    """
    # An odd base above 15 leaves one linear layer with most of the work.
    return _halve(one_of([size for size in range(8, largest + 1, 2) if _halve(size)[-1] <= 15], shape, instead), least)


def given_sizes(shape: Shape, halvings: int) -> list[int]:
    """List the sizes from the image to its base, each half of the one before it, rounded up.

    Arguments:
        shape: Shape of one image, (C, H, W).
        halvings: How often the size is halved.

    Raises:
        ConfigError: The data is not made of square images, or they are halved more often than down to one pixel.
    """
    sizes = [_square(shape)]
    for _ in range(halvings):
        sizes.append((sizes[-1] + 1) // 2)
    if halvings and sizes[-2] == 1:
        raise ConfigError(
            f"{halvings} widths halve the size {halvings} times, but the data has images of {sizes[0]}x{sizes[0]}",
            "network",
            "data",
            hint=f"give at most {math.ceil(math.log2(sizes[0]))} widths, or use larger images",
        )
    return sizes


def exact_sizes(shape: Shape, halvings: int) -> list[int]:
    """List the sizes from the image to its base, each exactly half of the one before it.

    Arguments:
        shape: Shape of one image, (C, H, W).
        halvings: How often the size is halved.

    Raises:
        ConfigError: The data is not made of square images, or their size is no multiple of 2^halvings.
    """
    size, factor = _square(shape), 2**halvings
    if size % factor:
        nearest = max(round(size / factor), 1) * factor
        raise ConfigError(
            f"{halvings} widths need a size that is a multiple of {factor}, but the data has images of {size}x{size}",
            "network",
            "data",
            hint=f"resize the images to {nearest}x{nearest}, or give another number of widths",
        )
    return [size // 2**i for i in range(halvings + 1)]


def one_of(sizes: Collection[int], shape: Shape, instead: str = "") -> int:
    """Return the size of the images, which must be one of ``sizes``.

    Arguments:
        sizes: Sizes that a network can make.
        shape: Shape of one image, (C, H, W).
        instead: What else can be done for other sizes.

    Raises:
        ConfigError: The data is not made of square images of one of these sizes.
    """
    size = _square(shape)
    if size in sizes:
        return size
    nearest = min(sizes, key=lambda other: abs(other - size))
    several = ", ".join(map(str, sorted(sorted(sizes, key=lambda other: abs(other - size))[:_NAMED])))
    raise ConfigError(
        f"these networks make images of {'such as ' if len(sizes) > _NAMED else ''}{several} pixels a side, "
        f"but the data has images of {size}x{size}",
        "network",
        "data",
        hint=f"{f'{instead}, ' if instead else ''}resize the images to {nearest}x{nearest}, {_INSTEAD}",
    )


def _square(shape: Shape) -> int:
    keys = ("model", "network", "data")
    if len(shape) != 3:
        raise ConfigError(
            f"convolutional networks need images, but the data has points of {math.prod(shape)} dimensions",
            *keys,
            hint="use model=gan or network=mlp, or image data such as data=digits",
        )
    _, height, width = shape
    if height != width:
        raise ConfigError(
            f"convolutional networks need square images, but the data has images of {height}x{width}",
            *keys,
            hint=f"resize the images to {max(height, width)}x{max(height, width)}, {_INSTEAD}",
        )
    return height


def _halve(size: int, least: int = 0) -> list[int]:
    sizes = [size]
    while sizes[-1] % 2 == 0 and (sizes[-1] > 7 or len(sizes) <= least):
        sizes.append(sizes[-1] // 2)
    return sizes
