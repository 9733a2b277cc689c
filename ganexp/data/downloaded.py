"""Data sets whose files must be there or be downloaded; torchvision knows how.

Contract: after `Downloaded.prepare` every file is in its folder, complete; a failed download leaves nothing behind.
"""

import os
import socket
import tempfile
import urllib.request
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.error import HTTPError

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.data.base import Split
from ganexp.data.cache import cache_folder
from ganexp.data.images import Images

# Seconds after which a server that does not answer counts as unreachable, and a download that stalls as failed.
REACH_TIMEOUT = 3.0
STALL_TIMEOUT = 30.0


class Archive(NamedTuple):
    """A file to download: where it goes below the root, its checksum, and the addresses that have it."""

    path: str
    md5: str
    urls: list[str]


class Downloaded(Images):
    """A data set of torchvision, held in memory as bytes.

    Its files are looked for in `root`, else in the folder named by the environment variable GANEXP_DATA, else in
    `ganexp/data` of the user's cache folder; missing ones are downloaded there.

    Arguments:
        root: Folder with the files, laid out as torchvision does it.
        value_range: Range of decoded values, (-1, 1) or (0, 1).
        batch_size: Images per discriminator update.
        drop_last: Whether to leave out the last, smaller batch of an epoch.
        subset: How many training images to use, the first ones; by default all.
        size: Side in pixels to which the images are resized; by default they stay as they are.
    """

    dataset: ClassVar[str]  # the class in torchvision.datasets

    def __init__(
        self,
        root: str | None = None,
        value_range: tuple[float, float] = (-1, 1),
        batch_size: PositiveInt = 128,
        drop_last: bool = True,
        subset: PositiveInt | None = None,
        size: PositiveInt | None = None,
    ) -> None:
        super().__init__(value_range, batch_size, drop_last, subset, size)
        chosen = root or os.environ.get("GANEXP_DATA") or cache_folder("data")
        self.root = Path(chosen).expanduser().absolute()

    @abstractmethod
    def files(self) -> list[str]:
        """Name the files that must be there, relative to the root."""

    @abstractmethod
    def archives(self) -> list[Archive]:
        """Name the files to download."""

    @abstractmethod
    def intact(self, file: str) -> bool:
        """Check the content of one of `files`."""

    @property
    def derived(self) -> Path:
        """`derived` in the root, or in the user's cache folder where the root cannot be written."""
        return self.root / "derived" if os.access(self.root, os.W_OK) else cache_folder("derived")

    @property
    def torchvision(self) -> Any:
        """The class of torchvision, imported late: it takes a second or more."""
        from torchvision import datasets

        return getattr(datasets, self.dataset)

    def prepare(self) -> None:
        """Download what is missing and check every file.

        Raises:
            ConfigError: A file is missing and cannot be downloaded or written, or is damaged.
        """
        if self._missing():
            self._download()
        self._check()

    def read(self, split: Split) -> tuple[Tensor, Tensor]:
        """Read the images (uint8, (N, C, H, W), in their own size) and their labels (int64, (N,))."""
        try:
            dataset = self.torchvision(self.root, train=split == "train")
            # Channels-last batches come as views of contiguous channels-first memory, so this copies nothing.
            images = torch.as_tensor(dataset.data)
            images = images.unsqueeze(1) if images.ndim == 3 else images.movedim(-1, 1)
            labels = torch.as_tensor(dataset.targets, dtype=torch.int64)
            if len(images) != len(labels) or labels.min() < 0 or labels.max() >= self.num_classes:
                raise ValueError("the labels do not fit the images")
        except Exception as error:  # whatever the damage provokes in a parser
            if self._missing():
                raise self._absent("was not prepared") from error
            self._check()
            raise ConfigError(f"the files of {self.dataset} in {self.root} are damaged: {error}", "data") from error
        return images.contiguous(), labels

    def _missing(self) -> list[str]:
        return [file for file in self.files() if not (self.root / file).exists()]

    def _check(self) -> None:
        for file in self.files():
            path = self.root / file
            try:
                intact = self.intact(file)
            except OSError as error:
                raise ConfigError(f"{path} cannot be read: {error.strerror}", "data", "data.root") from error
            if not intact:
                raise ConfigError(
                    f"{path} is damaged",
                    "data",
                    "data.root",
                    hint="delete it: the next run downloads it again; or use data=digits",
                )

    def _download(self) -> None:
        try:
            with _new_folder(self.root) as folder:
                self._reuse_or_reach(folder)
                with _stall_timeout():
                    self.torchvision(folder, download=True)
                for file in self.files():
                    target = self.root / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(folder / file, target)
        except (OSError, RuntimeError, EOFError, HTTPException) as error:
            raise self._absent(f"cannot be downloaded into it: {' '.join(str(error).split())}") from error

    def _reuse_or_reach(self, folder: Path) -> None:
        """Link the archives that are already in the root; see to it that the others can be had."""
        from torchvision.datasets.utils import check_integrity

        for archive in self.archives():
            if check_integrity(self.root / archive.path, archive.md5):
                link = folder / archive.path
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self.root / archive.path)
            else:
                _reach(archive.urls)

    def _absent(self, reason: str) -> ConfigError:
        names = ", ".join(Path(file).name for file in self.files())
        below = Path(self.files()[0]).parent
        return ConfigError(
            f"{self.dataset} is not in {self.root} and {reason}",
            "data",
            "data.root",
            hint=f"put {names} into FOLDER/{below} and give data.root=FOLDER or GANEXP_DATA=FOLDER, or use data=digits",
        )


@contextmanager
def _new_folder(root: Path) -> Iterator[Path]:
    """Make a temporary folder in the root; afterwards remove it, and what was made above it and is empty."""
    absent = [folder for folder in (root, *root.parents) if not folder.exists()]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as temporary:
            yield Path(temporary)
    finally:
        for folder in absent:
            with suppress(OSError):
                folder.rmdir()


def _reach(urls: list[str]) -> None:
    """Return when one of the addresses answers; raise the last one's error otherwise.

    torchvision opens its connections without a timeout, and where packets are dropped it would wait for minutes.
    """
    failure: OSError | None = None
    for url in urls:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=REACH_TIMEOUT).close()
            return
        except HTTPError as error:
            error.close()
            failure = error
        except OSError as error:
            failure = error
    if failure is not None:
        raise failure


@contextmanager
def _stall_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
