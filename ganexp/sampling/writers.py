"""Files of samples: a NumPy archive, single images.

Contract: an output, file or folder, appears under its name complete or not at all; the same samples give the same bytes.
"""

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import torch

from ganexp.config.errors import ConfigError
from ganexp.pictures import to_bytes
from ganexp.runs.files import replacing

# The earliest time that an archive can hold: the present one would make equal samples unequal files.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def check_output(path: Path, suffix: str, overwrite: bool) -> None:
    """Refuse, before any work is done, an output that exists already or cannot be made; makes nothing itself.

    Arguments:
        path: The file; or the folder, if there is no suffix.
        suffix: What the file's name should end in.
        overwrite: Whether an existing file, or a folder with nothing but images, may be replaced.

    Raises:
        ConfigError: It cannot be made, or must not be replaced.
    """
    if suffix and path.suffix != suffix:
        raise ConfigError(f"should end in {suffix}", "output")
    above = next(parent for parent in (path, *path.parents) if os.path.lexists(parent))
    if above == path:
        if not overwrite:
            raise ConfigError(f"{path} exists already", "output", hint="overwrite=true replaces it")
        if suffix and path.is_dir():
            raise ConfigError(f"{path} is a folder", "output")
        if not suffix and not (path.is_dir() and all(file.suffix == ".png" for file in path.iterdir())):
            raise ConfigError(f"{path} contains other files than images, so it is not replaced", "output")
        above = path.parent
    if not above.is_dir():
        raise ConfigError(f"{path} cannot be made: {above} is not a folder", "output")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"{path} cannot be made: {above} cannot be written", "output")


@contextmanager
def output(path: Path) -> Iterator[Path]:
    """Give a temporary path, where a file or folder is made that takes the place of ``path`` at the end.

    Raises:
        ConfigError: It cannot be written; nothing is left of it, and what was at ``path`` stays.
    """
    try:
        with replacing(path) as made:
            yield made
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}", "output") from error


def save_npz(
    path: Path, shape: Sequence[int], batches: Iterable[np.ndarray], rest: Callable[[], Mapping[str, np.ndarray]]
) -> None:
    """Write an archive that `numpy.load` reads, one batch in memory at a time.

    Arguments:
        path: The file.
        shape: Shape of all samples together, (N, *sample).
        batches: The samples, float32, which become the array ``samples``.
        rest: Gives further arrays by name, after the last batch.
    """
    with zipfile.ZipFile(path, "w") as archive:
        with _entry(archive, "samples") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)})
            for batch in batches:
                file.write(batch.astype("<f4", copy=False).tobytes())
        for name, array in rest().items():
            with _entry(archive, name) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def save_images(folder: Path, batches: Iterable[np.ndarray], value_range: tuple[float, float], names: Sequence[str]) -> None:
    """Write one PNG file per image, pixel for pixel.

    Arguments:
        folder: The folder, which is made.
        batches: Images with shape (B, C, H, W), of one, three or four channels, in ``value_range``.
        value_range: Lowest and highest value; values outside are clipped, NaN is drawn as the lowest.
        names: Their names, without suffix.
    """
    from PIL import Image

    folder.mkdir()
    remaining = iter(names)
    for batch in batches:
        pixels = to_bytes(torch.tensor(batch), value_range).movedim(1, -1).numpy()
        for image, name in zip(pixels, remaining, strict=False):
            Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(folder / f"{name}.png")


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    return archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True)
