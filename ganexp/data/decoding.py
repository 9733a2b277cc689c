"""One file becomes one square of bytes, and says what it was.

Contract: the brightness of a pixel is scaled by the depth that its file states, or by the one that is asked for in its place;
never by the values that happen to be in it.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganexp.data.scan import formats

if TYPE_CHECKING:
    from PIL import Image

# The numbers of TIFF's tags that say how many bits a pixel has, and whether it has a sign.
BITS, SIGN = 258, 339

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
    brightest: int = 255


@dataclass(frozen=True)
class Decoder:
    """Decodes files into squares.

    Arguments:
        channels: 1 or 3.
        size: Side of the square in pixels.
        depth: Bits that grey images of more than 8 bits really have; None: as many as their files state.
        largest: The largest image, in millions of pixels.
    """

    channels: int
    size: int
    depth: int | None
    largest: float

    def __call__(self, path: Path) -> tuple[np.ndarray, Seen] | Exception:
        """Return the bytes with shape (channels, size, size), and what the file was; or why it cannot be read."""
        try:
            return self._decode(path)
        except Exception as error:  # whatever the damage provokes in a decoder
            return error

    def _decode(self, path: Path) -> tuple[np.ndarray, Seen]:
        from PIL import Image, ImageOps

        with Image.open(path, formats=formats()) as image:
            if image.width * image.height > self.largest * 1e6:
                raise TooLarge(image.width * image.height / 1e6, self.largest)
            # Lets JPEG's decoder leave out what would be averaged away; three times the size is too large to be seen.
            full = image.size
            image.draft(None, (3 * self.size, 3 * self.size))
            reduced = image.size != full
            bits = _bits(image)
            upright = ImageOps.exif_transpose(image)
            turned = upright.size != image.size
            scaled, brightest = _scale(upright, bits, self.depth)
            flat = _flatten(scaled).convert("RGB" if self.channels == 3 else "L")
        side = min(flat.size)
        left, top = ((length - side) // 2 for length in flat.size)
        square = flat.resize((self.size, self.size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
        pixels = np.asarray(square).reshape(self.size, self.size, self.channels).transpose(2, 0, 1)
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


def _bits(image: "Image.Image") -> int:
    """Return the bits of each channel that a file states; 8 for all that Pillow itself brings to 8 by what the file states."""
    if image.mode == "F":
        raise ValueError("its pixels are floats, which no file says the range of; save them as whole numbers")
    if image.mode.startswith("I"):
        if image.format == "TIFF":
            tags = image.tag_v2  # type: ignore[attr-defined]
            return int(tags[BITS][0]) - (tags.get(SIGN, (1,))[0] == 2)
        if image.format in ("PNG", "PPM", "JPEG2000"):  # Pillow brings the last two to 16 bits, by what they state
            return 16
        raise ValueError(f"its pixels are whole numbers of a range that {image.format} does not state; save it as PNG")
    # Colours of 16 bits: Pillow keeps the upper 8.
    return 16 if any(";16" in str(tile[3:]) for tile in getattr(image, "tile", ())) else 8


def _scale(image: "Image.Image", bits: int, depth: int | None) -> tuple["Image.Image", int]:
    """Return an image of 8 bits, and the brightest value of what it was."""
    from PIL import Image

    if bits == 8:
        return image, 255
    if not image.mode.startswith("I"):
        if depth not in (None, bits):
            raise ValueError(f"it has colours of {bits} bits, of which Pillow reads the upper 8; data.depth is for grey images")
        bands = image.split()[: 1 if image.mode == "LA" else 3]
        return image, 257 * max(int(np.asarray(band).max()) for band in bands)
    values = np.asarray(image)
    lowest, brightest = int(values.min()), int(values.max())
    white = 2 ** (depth or bits) - 1
    if lowest < 0 or brightest > white:
        raise ValueError(f"it has values from {lowest:,} to {brightest:,}, which are no numbers of {depth or bits} bits")
    return Image.fromarray((values * (255 / white)).round().astype(np.uint8)), brightest


def _flatten(image: "Image.Image") -> "Image.Image":
    """Lay an image of 8 bits over white where it is transparent."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return image
