"""Scenes and things by the million, from the databases of LSUN."""

import io
import os
from collections.abc import Iterator
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from typing_extensions import Unpack

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data.base import cache_folder
from ganexp.data.content import digest_of
from ganexp.data.decoded import Decoded, DecodedOptions, Listing

_HELD_OUT = 10  # of a category without a database for validation, every so many-th image
_ADDRESS = "http://dl.yf.io/lsun/scenes"


class LSUN(Decoded):
    """Photographs of one category of LSUN, such as 3,033,042 bedrooms, in colour, of any size.

    The databases are not downloaded: unpack CATEGORY_train_lmdb.zip and CATEGORY_val_lmdb.zip, whose addresses are those of the
    scenes at http://dl.yf.io/lsun, into the root. They are read with the package `lmdb`, in the order of their keys. As many as
    the subset has are decoded, and are what samples are measured against.

    Arguments:
        root: Folder with the databases; see :class:`ganexp.data.published.Published`.
        category: The category, as the databases are called.
        options: See :class:`ganexp.data.decoded.DecodedOptions`.

    References:
        LSUN: Construction of a Large-scale Image Dataset using Deep Learning with Humans in the Loop (Yu et al., 2015)
        https://arxiv.org/abs/1506.03365
    """

    place = ("data", "data.root")

    def __init__(self, root: str | None = None, category: str = "bedroom", **options: Unpack[DecodedOptions]) -> None:
        super().__init__(**options)
        self.root = user_path(root or os.environ.get("GANEXP_DATA") or cache_folder("data")).absolute()
        self.category = category

    def whole(self) -> "LSUN":
        """Return the same: what is not decoded is not known."""
        return self

    @cached_property
    def listing(self) -> Listing:
        """The first images of the databases."""
        train = [f"train/{key}" for key in islice(self._keys("train"), self.subset)]
        if (self.root / f"{self.category}_val_lmdb").exists():
            test = [f"val/{key}" for key in self._keys("val")]
        else:
            test, train = train[_HELD_OUT - 1 :: _HELD_OUT], [key for number, key in enumerate(train, 1) if number % _HELD_OUT]
        if not train:
            raise ConfigError(f"{self._file_of('train')} holds no images", *self.place)
        return Listing([*train, *test], len(train))

    def source(self, name: str) -> BinaryIO:
        """Return the bytes of an image."""
        part, _, key = name.partition("/")
        with self._database(part).begin(buffers=False) as transaction:
            return io.BytesIO(transaction.get(key.encode("latin1")))

    def shown(self, name: str) -> str:
        """Return the database and the key."""
        part, _, key = name.partition("/")
        return f"{self._file_of(part)}, {key}"

    def content(self) -> list[str]:
        """Return what a database is known by: its size, its name, and the keys that are used. The images are not read."""
        parts = [file for part in ("train", "val") if (file := self._file_of(part)).exists()]
        return [self.category, *(str(file.stat().st_size) for file in parts), digest_of(*self.listing.names)]

    def _file_of(self, part: str) -> Path:
        return self.root / f"{self.category}_{part}_lmdb" / "data.mdb"

    def _keys(self, part: str) -> Iterator[str]:
        with self._database(part).begin() as transaction, transaction.cursor() as cursor:
            for key in cursor.iternext(keys=True, values=False):
                yield key.decode("latin1")

    def _database(self, part: str) -> Any:
        """Return a database, open.

        Raises:
            ConfigError: There is none, it cannot be read, or `lmdb` is not installed.
        """
        file = self._file_of(part)
        if not file.is_file():
            names = f"{self.category}_train_lmdb.zip and {self.category}_val_lmdb.zip"
            hint = f"unpack {names} from {_ADDRESS} into FOLDER, and set data.root=FOLDER or GANEXP_DATA=FOLDER"
            raise ConfigError(f"there is no {file}", *self.place, hint=hint)
        return _open(file.parent, file.stat().st_mtime_ns)


@cache
def _open(folder: Path, time: int) -> Any:
    """Open a database: once, as lmdb does not open one twice in a process."""
    try:
        import lmdb
    except ImportError as error:
        raise ConfigError("lmdb cannot be imported", "data", hint="pip install 'ganexp[lsun]'") from error
    try:
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False, max_readers=64)
    except lmdb.Error as error:
        raise ConfigError(f"{folder} cannot be read: {error}", *LSUN.place) from error
