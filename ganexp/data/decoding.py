"""One file becomes an image of bytes with the aspect that is asked for, and says what it was.

Contract: the brightness of a pixel is scaled by the depth that its file states, or between the limits that are asked for in its
place; never by the values that happen to be in it.
"""

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ganexp.config.errors import ConfigError
from ganexp.data.images import centred
from ganexp.data.scan import formats, shown

if TYPE_CHECKING:
    from PIL import Image

# The numbers of TIFF's tags that say how many bits a pixel has, and whether it has a sign.
BITS, SIGN = 258, 339

Limits = tuple[float, float]
"""The values of black and of white."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_LIMIT = threading.Lock()


class TooLarge(ValueError):
    """An image has more pixels than are allowed.

    Arguments:
        megapixels: How many it has, in millions.
        largest: How many are allowed.
    """

    def __init__(self, megapixels: float, largest: float) -> None:
        super().__init__(f"it has {megapixels:,.4g} megapixels, more than data.largest={largest:g}")
        self.megapixels = megapixels


@dataclass(frozen=True)
class Seen:
    """What a file was.

    Attributes:
        size: Width and height in pixels, as it is shown.
        bits: Bits of each channel in the file, where there are more than 8; else 8.
        brightest: The largest value, in these bits; 255 of 8.
    """

    size: tuple[int, int]
    bits: int = 8
    brightest: float = 255


@dataclass(frozen=True)
class Decoder:
    """Decodes files.

    Arguments:
        channels: 1, 3, or 4 with opacity as the last one.
        size: Width and height in pixels.
        limits: What is black and what is white in grey images of more than 8 bits or of floats; None: what their files state.
        largest: The largest image, in millions of pixels.
    """

    channels: int
    size: tuple[int, int]
    limits: Limits | None
    largest: float

    def __call__(self, path: Path | BinaryIO) -> tuple[np.ndarray, Seen] | Exception:
        """Return the bytes with shape (channels, height, width), and what the file was; or why it cannot be read."""
        try:
            return self._decode(path)
        except Exception as error:  # whatever the damage provokes in a decoder
            return error

    def _decode(self, path: Path | BinaryIO) -> tuple[np.ndarray, Seen]:
        from PIL import Image, ImageOps

        with Image.open(path, formats=formats()) as image:
            if image.width * image.height > self.largest * 1e6:
                raise TooLarge(image.width * image.height / 1e6, self.largest)
            # Lets JPEG's decoder leave out what would be averaged away; three times the size is too large to be seen.
            full = image.size
            image.draft(None, (3 * max(self.size), 3 * max(self.size)))
            reduced = image.size != full
            bits = _bits(image, self.limits)
            upright = ImageOps.exif_transpose(image)
            turned = upright.size != image.size
            scaled, brightest = _scale(upright, bits, self.limits)
            flat = (scaled if self.channels == 4 else _flatten(scaled)).convert(_MODES[self.channels])
        width, height = self.size
        made = flat.resize(self.size, Image.Resampling.BICUBIC, centred(flat.size, self.size))
        pixels = np.asarray(made).reshape(height, width, self.channels).transpose(2, 0, 1)
        return pixels, Seen(full[::-1] if reduced and turned else full if reduced else upright.size, bits, brightest)


@contextmanager
def own_limit() -> Iterator[None]:
    """Let no limit count but :class:`Decoder`'s own, and keep quiet about what a reader of a folder cannot change."""
    from PIL import Image

    with _LIMIT, warnings.catch_warnings():
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        warnings.filterwarnings("ignore", module="PIL")
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _bits(image: "Image.Image", limits: Limits | None) -> int:
    """Return the bits of each channel that a file states; 8 for all that Pillow itself brings to 8 by what the file states."""
    if image.mode == "F" and limits is None:
        raise ValueError("its pixels are floats, which no file says the range of; data.limits=[0,1] would say it")
    if image.mode == "F":
        return 32
    if image.mode.startswith("I"):
        if image.format == "TIFF":
            tags = image.tag_v2  # type: ignore[attr-defined]
            return int(tags[BITS][0]) - (tags.get(SIGN, (1,))[0] == 2)
        if image.format in ("PNG", "PPM", "JPEG2000"):  # Pillow brings the last two to 16 bits, by what they state
            return 16
        if limits is not None:
            return 32
        raise ValueError(
            f"its pixels are whole numbers of a range that {image.format} does not state; data.limits would say it"
        )
    # Colours of 16 bits: Pillow keeps the upper 8.
    return 16 if any(";16" in str(tile[3:]) for tile in getattr(image, "tile", ())) else 8


def _scale(image: "Image.Image", bits: int, limits: Limits | None) -> tuple["Image.Image", float]:
    """Return an image of 8 bits, and the brightest value of what it was."""
    from PIL import Image

    if bits == 8:
        return image, 255
    if not image.mode.startswith(("I", "F")):
        if limits is not None:
            raise ValueError(
                f"it has colours of {bits} bits, of which Pillow reads the upper 8; data.limits is for grey images"
            )
        bands = image.split()[: 1 if image.mode == "LA" else 3]
        return image, 257 * max(int(np.asarray(band).max()) for band in bands)
    values = np.asarray(image)
    lowest, brightest = values.min().item(), values.max().item()
    if not (math.isfinite(lowest) and math.isfinite(brightest)):
        raise ValueError("it has values that are not finite")
    if limits is None and (lowest < 0 or brightest >= 2**bits):
        raise ValueError(
            f"it has values from {lowest:,} to {brightest:,}, which are no numbers of {bits} bits; set data.limits"
        )
    return Image.fromarray(between(values, limits or (0, 2**bits - 1))), brightest


def between(values: np.ndarray, limits: Limits) -> np.ndarray:
    """Return numbers as bytes: what is at the lower limit or below is 0, what is at the upper one or above 255."""
    low, high = limits
    return np.clip(((values.astype(np.float64) - low) * (255 / (high - low))).round(), 0, 255).astype(np.uint8)


def check_limits(limits: Limits | None) -> None:
    """Refuse limits between which nothing lies.

    Raises:
        ConfigError: The lower one is not below the upper one.
    """
    if limits is not None and not limits[0] < limits[1]:
        raise ConfigError("the first is what is black, and has to be below what is white", "data.limits")


def _flatten(image: "Image.Image") -> "Image.Image":
    """Lay an image of 8 bits over white where it is transparent."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return image


def report(seen: list[Seen]) -> dict[str, Any]:
    """Return what images were, as :class:`ganexp.data.found.Found` has it."""
    sizes = sorted((one.size for one in seen), key=lambda size: size[0] * size[1])
    deep = {bits: [one for one in seen if one.bits == bits] for bits in sorted({one.bits for one in seen} - {8})}
    return {
        "smallest": sizes[0],
        "largest": sizes[-1],
        "deep": {str(bits): len(group) for bits, group in deep.items()},
        "brightest": {str(bits): max(one.brightest for one in group) for bits, group in deep.items()},
    }


def reason_of(error: Exception) -> str:
    """Return why an image cannot be read, in a few words."""
    text = shown(" ".join(str((isinstance(error, OSError) and error.strerror) or error).split()))
    return "it is no image that Pillow knows" if text.startswith("cannot identify") else text or type(error).__name__
