"""Data sets that are published as files: where these lie, and how they get there.

Contract: after `Published.fetch` all files are there; files that are there are never replaced.
"""

import os
import socket
import urllib.request
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data.base import cache_folder
from ganexp.data.images import Images
from ganexp.runs.locks import alone

# Seconds after which a server that does not answer counts as unreachable, and a download that stalls as failed.
REACH_TIMEOUT = 3.0
STALL_TIMEOUT = 30.0


class Published(Images):
    """A data set of torchvision.

    Its files are looked for in `root`, else in the folder named by the environment variable GANEXP_DATA, else in
    `ganexp/data` of the user's cache folder; missing ones are downloaded there, or unpacked from archives that are there.

    Arguments:
        root: Folder with the files, laid out as torchvision does it.
        options: What else the images take.
    """

    dataset: ClassVar[str]  # the class in torchvision.datasets

    def __init__(self, root: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        chosen = root or os.environ.get("GANEXP_DATA") or cache_folder("data")
        self.root = user_path(chosen).absolute()

    @abstractmethod
    def files(self) -> list[str]:
        """Name the files that must be there, relative to the root."""

    @abstractmethod
    def archives(self) -> dict[str, list[str]]:
        """Return what is downloaded: each file, relative to the root, and the addresses that have it."""

    def download(self) -> None:
        """Download what is missing.

        Raises:
            OSError: It cannot be downloaded or written.
            RuntimeError: What was downloaded is not what was published.
        """
        self.torchvision(self.root, download=True)

    @property
    def derived(self) -> Path:
        """`derived` in the root, or in the user's cache folder where the root cannot be written."""
        return self.root / "derived" if os.access(self.root, os.W_OK) else cache_folder("derived")

    @property
    def torchvision(self) -> Any:
        """The class of torchvision, imported late: it takes a second or more."""
        from torchvision import datasets

        return getattr(datasets, self.dataset)

    @property
    def home(self) -> Path:
        """The folder of the files."""
        return (self.root / self.files()[0]).parent

    def is_missing(self) -> bool:
        """Return whether a file is not there."""
        return any(not (self.root / file).exists() for file in self.files())

    def fetch(self) -> None:
        """See to it that all files are there.

        Raises:
            ConfigError: One is missing and cannot be downloaded or written.
        """
        missing = [self.root / file for file in self.files() if not (self.root / file).exists()]
        if not missing:
            return
        absent = [path for path in (self.home, *self.home.parents) if not path.exists()]
        try:
            for archive, urls in self.archives().items():
                if not (self.root / archive).exists():
                    _reach(urls)
            with alone(cache_folder("data") / self.dataset), _stall_timeout():
                self.download()
        except (OSError, RuntimeError, EOFError, HTTPException) as error:
            for path in (*missing, *absent):
                with suppress(OSError):  # not made, or not empty
                    path.rmdir() if path.is_dir() else path.unlink()
            raise self.absent(f"cannot be downloaded: {' '.join(str(getattr(error, 'reason', error)).split())}") from error

    def absent(self, reason: str) -> ConfigError:
        """Return a refusal of files that are not there."""
        names = ", ".join(Path(file).name for file in self.files())
        below = self.home.relative_to(self.root)
        return ConfigError(
            f"{self.dataset} is not in {self.root} and {reason}",
            "data",
            "data.root",
            hint=f"put {names} into {Path('FOLDER', below)} and set data.root=FOLDER or GANEXP_DATA=FOLDER, or use data=digits",
        )

    def damaged(self, reason: str) -> ConfigError:
        """Return a refusal of files that hold something else."""
        hint = f"delete {', '.join(Path(file).name for file in self.files())}: the next run downloads them; or use data=digits"
        return ConfigError(f"{self.dataset} in {self.home} is damaged: {reason}", "data", "data.root", hint=hint)


def _reach(urls: list[str]) -> None:
    """Return when one of the addresses answers, which torchvision would wait for without a time-out.

    Raises:
        OSError: None does.
    """
    failures: list[OSError] = []
    for url in urls:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=REACH_TIMEOUT).close()
            return
        except OSError as error:
            if isinstance(error, HTTPError):
                error.close()
            failures.append(error)
    raise failures[-1]


@contextmanager
def _stall_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
