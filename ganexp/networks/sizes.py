"""Sizes of the maps between an image and the base of a convolutional network, and which images fit.

A size is a height and a width, which are halved and doubled together, with k layers of stride 2 between base and image.
Some networks need sizes of exactly base * 2^k: 28 = 7 * 4, 32 = 4 * 8, 48x64 = 6x8 * 8. Others round up at each halving:
28, 14, 7, 4.
"""

import math
from collections.abc import Callable, Mapping

from ganexp.config.errors import ConfigError
from ganexp.networks.players import Shape

Size = tuple[int, int]
"""Height and width of images or maps, in pixels."""

_NAMED = 8
_SMALLEST = 8
_SMALL_BASE = 6  # pixels of a side
_BASE = 15 * 15  # pixels: with a larger base, one linear layer has most of the work
_NEAR = 32  # pixels around a side that does not fit, in which those are looked for that do
_INSTEAD = "or use model=gan (or network=mlp)"


def own_sizes(shape: Shape, largest: int) -> list[Size]:
    """List the sizes from the image to its base, each exactly half of the one before it; a side of the base is below 8 or odd.

    Arguments:
        shape: Shape of one image, (C, H, W).
        largest: Largest side of an image.

    Raises:
        ConfigError: The data is not made of images with a size that fits.
    """

    def fits(size: Size) -> bool:
        halved = _halve(size)
        return min(size) >= _SMALLEST and max(size) <= largest and len(halved) > 1 and math.prod(halved[-1]) <= _BASE

    size = _size(shape)
    if not fits(size):
        raise _misfit(size, fits, largest)
    return _halve(size)


def rounded_sizes(shape: Shape, largest: int, least: int, instead: str) -> list[Size]:
    """List the sizes from the image to its base, each half of the one before it, rounded up; a side of the base is below 7.

    Arguments:
        shape: Shape of one image, (C, H, W).
        largest: Largest side of an image.
        least: Halve at least so often.
        instead: What else can be done for other sizes.

    Raises:
        ConfigError: The data is not made of images, or a side is below 8 or above the largest.
    """
    size = _size(shape)
    height, width = (min(max(side, _SMALLEST), largest) for side in size)
    if size != (height, width):
        raise ConfigError(
            f"these networks make images of {_SMALLEST} to {largest} pixels a side, but the data has images of {named(size)}",
            "network",
            "data",
            hint=f"{instead}, use {_option((height, width))}, {_INSTEAD}",
        )
    halvings = least
    while min(size) > (_SMALL_BASE << halvings):
        halvings += 1
    return given_sizes(shape, halvings)


def given_sizes(shape: Shape, halvings: int) -> list[Size]:
    """List the sizes from the image to its base, each half of the one before it, rounded up.

    Arguments:
        shape: Shape of one image, (C, H, W).
        halvings: How often the size is halved.

    Raises:
        ConfigError: The data is not made of images, or they are halved more often than down to one pixel.
    """
    sizes = [_size(shape)]
    for _ in range(halvings):
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    if halvings and sizes[-2] == (1, 1):
        raise ConfigError(
            f"{halvings} widths halve the size {halvings} times, but the data has images of {named(sizes[0])}",
            "network",
            "data",
            hint=f"give at most {math.ceil(math.log2(max(sizes[0])))} widths, or use larger images",
        )
    return sizes


def exact_sizes(shape: Shape, halvings: int) -> list[Size]:
    """List the sizes from the image to its base, each exactly half of the one before it.

    Arguments:
        shape: Shape of one image, (C, H, W).
        halvings: How often the size is halved.

    Raises:
        ConfigError: The data is not made of images, or a side is no multiple of 2^halvings.
    """
    (height, width), factor = _size(shape), 2**halvings
    if height % factor or width % factor:
        nearest = [max(round(side / factor), 1) * factor for side in (height, width)]
        raise ConfigError(
            f"{halvings} widths need sides that are multiples of {factor}, but the data has images of {height}x{width}",
            "network",
            "data",
            hint=f"use {_option((nearest[0], nearest[1]))}, or give another number of widths",
        )
    return [(height // 2**i, width // 2**i) for i in range(halvings + 1)]


def planned(doublings: Mapping[int, int], shape: Shape) -> tuple[int, Size]:
    """Return the smaller side of the images, by which their plan is found, and the size of their base.

    Arguments:
        doublings: How often a base is doubled to the image, by the smaller side of the images that a network can make.
        shape: Shape of one image, (C, H, W).

    Raises:
        ConfigError: The data is not made of images with such a side, or the other side is not that of a base, doubled as often.
    """

    def fits(size: Size) -> bool:
        factor = 2 ** doublings.get(min(size), 0)
        return min(size) in doublings and max(size) % factor == 0 and math.prod(size) <= _BASE * factor**2

    size = _size(shape)
    if not fits(size):
        raise _misfit(size, fits, 2 * max(doublings))
    factor = 2 ** doublings[min(size)]
    return min(size), (size[0] // factor, size[1] // factor)


def named(size: Size) -> str:
    """Return a size as people write it, the height first."""
    return f"{size[0]}x{size[1]}"


def _misfit(size: Size, fits: Callable[[Size], bool], largest: int) -> ConfigError:
    """Return a refusal that lists the nearest sizes that fit; square ones, of square images."""
    height, width = (min(side, largest) for side in size)
    near = [range(max(side - _NEAR, 1), side + _NEAR + 1) for side in (height, width)]
    is_square = size[0] == size[1]
    tried = ((side, side) for side in range(1, largest + 1)) if is_square else ((a, b) for a in near[0] for b in near[1])
    found = sorted(filter(fits, tried), key=lambda other: abs(other[0] - size[0]) + abs(other[1] - size[1]))
    several = ", ".join(str(one[0]) if is_square else named(one) for one in sorted(found[:_NAMED]))
    made = f"images of {several} pixels{' a side' * is_square}{' and of others' * (len(found) > _NAMED)}"
    hints = [*([f"use {_option(found[0])}"] if found else []), _INSTEAD]
    message = f"these networks make {made if found else 'no images of nearly that size'}"
    return ConfigError(f"{message}, but the data has images of {named(size)}", "network", "data", hint=", ".join(hints))


def _option(size: Size) -> str:
    return f"data.size={size[0] if size[0] == size[1] else f'[{size[0]},{size[1]}]'}"


def _size(shape: Shape) -> Size:
    if len(shape) != 3:
        raise ConfigError(
            f"convolutional networks need images, but the data has points of {math.prod(shape)} dimensions",
            "model",
            "network",
            "data",
            hint="use model=gan or network=mlp, or image data such as data=digits",
        )
    return shape[1], shape[2]


def _halve(size: Size) -> list[Size]:
    sizes = [size]
    while all(side % 2 == 0 for side in sizes[-1]) and min(sizes[-1]) >= _SMALLEST:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    return sizes
