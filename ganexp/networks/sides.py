"""Sides of the maps between an image and the base of a convolutional network, and which images fit.

With a depth that follows from the data, a side is written as base * 2^k, with k stride-2 layers between a base x base map and
the image: 28 = 7 * 4, 32 = 4 * 8, 64 = 4 * 16. With a given depth, every side is halved that often, rounding up.
"""

import math

from ganexp.config.errors import ConfigError
from ganexp.networks.players import Shape

_KEYS = ("model", "network", "data")
_INSTEAD = "or use model=gan (or network=mlp)"


def own_sides(shape: Shape) -> list[int]:
    """List the sides from the image to its base, which is below 8 or odd.

    Arguments:
        shape: Shape of one image, (C, H, W).

    Raises:
        ConfigError: The data is not made of square images with a side that fits.
    """
    height, width = _size(shape)
    if height == width and height in _SIDES:
        return _halve(height)
    nearest = min(_SIDES, key=lambda side: abs(side - max(height, width)))
    raise ConfigError(
        "convolutional networks need square images with a side from 8 to 64 that is a small number times a power of "
        f"two, but the data has images of {height}x{width}",
        *_KEYS,
        hint=f"resize the images to {nearest}x{nearest}, {_INSTEAD}",
    )


def given_sides(shape: Shape, halvings: int) -> list[int]:
    """List the sides from the image to its base, each half of the one before it, rounded up.

    Arguments:
        shape: Shape of one image, (C, H, W).
        halvings: How often the side is halved.

    Raises:
        ConfigError: The data is not made of square images, or they are halved more often than down to one pixel.
    """
    sides = [_square(shape)]
    for _ in range(halvings):
        sides.append((sides[-1] + 1) // 2)
    if halvings and sides[-2] == 1:
        raise ConfigError(
            f"{halvings} widths halve the side {halvings} times, but the data has images of {sides[0]}x{sides[0]}",
            "network",
            "data",
            hint=f"give at most {math.ceil(math.log2(sides[0]))} widths, or use larger images",
        )
    return sides


def exact_sides(shape: Shape, halvings: int) -> list[int]:
    """List the sides from the image to its base, each exactly half of the one before it.

    Arguments:
        shape: Shape of one image, (C, H, W).
        halvings: How often the side is halved.

    Raises:
        ConfigError: The data is not made of square images, or their side is no multiple of 2^halvings.
    """
    side, factor = _square(shape), 2**halvings
    if side % factor:
        nearest = max(round(side / factor), 1) * factor
        raise ConfigError(
            f"{halvings} widths need a side that is a multiple of {factor}, but the data has images of {side}x{side}",
            "network",
            "data",
            hint=f"resize the images to {nearest}x{nearest}, or give another number of widths",
        )
    return [side // 2**i for i in range(halvings + 1)]


def _size(shape: Shape) -> tuple[int, int]:
    if len(shape) != 3:
        raise ConfigError(
            f"convolutional networks need images, but the data has points of {math.prod(shape)} dimensions",
            *_KEYS,
            hint="use model=gan (or network=mlp), or image data such as data=digits",
        )
    return shape[1], shape[2]


def _square(shape: Shape) -> int:
    height, width = _size(shape)
    if height != width:
        raise ConfigError(
            f"convolutional networks need square images, but the data has images of {height}x{width}",
            *_KEYS,
            hint=f"resize the images to {max(height, width)}x{max(height, width)}, {_INSTEAD}",
        )
    return height


def _halve(side: int) -> list[int]:
    sides = [side]
    while sides[-1] > 7 and sides[-1] % 2 == 0:
        sides.append(sides[-1] // 2)
    return sides


# Sides that the networks can make. An odd base above 15 leaves one linear layer with most of the work.
_SIDES = [side for side in range(8, 65, 2) if _halve(side)[-1] <= 15]
