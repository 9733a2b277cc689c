"""What a folder of images holds: which files are images, of which class and split, and what is left out.

Contract: the result is a function of the names in the folder alone; no file is opened. Whatever is not used is counted, with
the reason.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NoReturn

from ganexp.config.errors import ConfigError

# What operating systems and cloud drives put beside the files of their users.
LITTER = ("__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini")

# Names of folders that are splits of a data set, not classes of it. Beside a test split, one for validation is not used.
TRAIN = ("train", "training")
HELD_OUT = ("test", "testing", "val", "valid", "validation")


@dataclass
class Scan:
    """The images in a folder, in sorted order.

    Attributes:
        train: Names, relative to the folder and with "/" between their parts, by class; one list without classes.
        test: Those that the folder itself holds out, likewise; None where it does not say.
        classes: The names of the classes, or None.
        unlabelled: Why there are no classes, although there are sub-folders; else None.
        left_out: What is not used, with the number or the reason.
    """

    train: list[list[str]]
    test: list[list[str]] | None = None
    classes: tuple[str, ...] | None = None
    unlabelled: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)


def scan(folder: Path, by_class: bool = True, test: Path | None = None) -> Scan:
    """Find the images in a folder and everything below it.

    Two or more sub-folders with images, and no image beside them, are classes; `train` beside `test`, or beside `val`, are
    splits with the same classes. A folder that holds nothing but another one stands for that.

    Arguments:
        folder: The folder.
        by_class: Whether sub-folders are classes; if not, there are none.
        test: Another folder, with the test images; their names are whole paths.

    Raises:
        ConfigError: There is no such folder, a folder in it cannot be read, or there are no images.
    """
    walk, names = _walked(folder, "data.path")
    found = _by_split(walk.folders if by_class else None, names, dict(walk.left_out()))
    if test is None:
        return found
    if found.test is not None:
        found.left_out["images held out by the folder"] = f"{sum(map(len, found.test))}, as data.test has others"
    others, names = _walked(test, "data.test")
    found.left_out |= {f"{what} in {shown(test)}": count for what, count in others.left_out()}
    _hold_out(found, [f"{test}/{name}" for name in names], f"{test}/{_base(names)}", shown(test))
    if found.test is None:
        classes = _listed(list(found.classes or ()))
        raise ConfigError(f"no image of {shown(test)} is of a training class", "data.test", hint=f"these are {classes}")
    return found


def _walked(folder: Path, key: str) -> tuple["_Walk", list[str]]:
    """Return what lies in a folder, and the names of its images in sorted order."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise ConfigError(f"{shown(folder)} {what}", key, hint="name a folder of images")
    walk = _Walk(folder)
    names = sorted(walk.images)
    if not names:
        there = ", ".join(f"{count} {what}" for what, count in walk.left_out())
        hint = f"it holds {there}" if there else f"suffixes: {', '.join(sorted(suffixes()))}"
        raise ConfigError(f"there are no images in {shown(folder)}", key, hint=hint)
    return walk, names


def _by_split(folders: list[str] | None, names: list[str], left_out: dict[str, str]) -> Scan:
    base = _base(names)
    parts = _parts(names, base)
    train = [part for part in parts if part.lower() in TRAIN]
    held_out = sorted((part for part in parts if part.lower() in HELD_OUT), key=lambda part: HELD_OUT.index(part.lower()))
    if len(train) != 1 or not held_out:
        return _by_class(folders, names, base, left_out)
    found = _by_class(folders, parts[train[0]], _base(parts[train[0]]), left_out)
    for part in set(parts) - {train[0], held_out[0]}:
        what = f"images in {shown(part)}" if part else "images"
        found.left_out[what] = f"{len(parts[part])}, beside {train[0]} and {held_out[0]}"
    test = parts[held_out[0]]
    _hold_out(found, test, _base(test), held_out[0])
    return found


def _hold_out(found: Scan, test: list[str], base: str, where: str) -> None:
    """Take test images, by the classes of the training images; without classes, all of them."""
    if found.classes is None:
        found.test = [test]
        return
    groups = {_class_name(part): group for part, group in _parts(test, base).items()}
    found.test = [groups.pop(name, []) for name in found.classes]
    for name, group in groups.items():
        found.left_out[f"images in {where}/{name}" if name else f"images in {where}"] = f"{len(group)}, of no training class"
    if not any(found.test):
        found.test = None


def _by_class(folders: list[str] | None, names: list[str], base: str, left_out: dict[str, str]) -> Scan:
    parts = _parts(names, base)
    classes = sorted(part for part in parts if part)
    if len(classes) < 2 or folders is None:
        return Scan([names], left_out=left_out)
    if "" in parts:
        beside = f"{shown(parts[''][0])} lies" if len(parts[""]) == 1 else f"{shown(parts[''][0])} and other images lie"
        reason = f"{beside} beside the folders {_listed(classes)}, which are classes once it has been moved"
        return Scan([names], unlabelled=reason, left_out=left_out)
    below = (name.removeprefix(base) for name in folders if name.startswith(base))
    left_out |= {shown(name): "no images" for name in below if "/" not in name and name not in parts}
    return Scan([parts[name] for name in classes], classes=tuple(map(_class_name, classes)), left_out=left_out)


def _base(names: list[str]) -> str:
    """Return the folder in which names begin to differ, as a prefix of them."""
    base = ""
    while len(parts := _parts(names, base)) == 1 and "" not in parts:
        base += f"{next(iter(parts))}/"
    return base


def _parts(names: list[str], base: str) -> dict[str, list[str]]:
    """Group names by the folder below ``base``; "" is for what lies in that itself."""
    found: dict[str, list[str]] = {}
    for name in names:
        part, slash, _ = name.removeprefix(base).partition("/")
        found.setdefault(part if slash else "", []).append(name)
    return found


class _Walk:
    """All that lies in a folder and below it; links are followed, but not in circles and nowhere twice."""

    def __init__(self, folder: Path) -> None:
        self.images: list[str] = []
        self.folders: list[str] = []
        self._others: Counter[str] = Counter()
        self._above = {os.path.realpath(path) for path in (folder.resolve(), *folder.resolve().parents)}
        self._seen: set[str] = set()
        self._enter(str(folder), "")

    def left_out(self) -> Iterable[tuple[str, str]]:
        """Return what is not used, and how often."""
        return ((what, f"{count:,}") for what, count in sorted(self._others.items()))

    def _enter(self, path: str, prefix: str) -> None:
        self._seen.add(os.path.realpath(path))
        try:
            # Links last: what they lead to has its own name where it lies.
            entries = sorted(os.scandir(path), key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            unreadable(error)
        for entry in entries:
            if not _hidden(entry.name):
                self._take(entry, prefix + entry.name)
            elif _is_image(entry.name):
                self._others["hidden images"] += 1

    def _take(self, entry: os.DirEntry[str], name: str) -> None:
        try:
            folder, file = entry.is_dir(), entry.is_file()
        except OSError:  # a link to itself
            folder = file = False
        if folder:
            real = os.path.realpath(entry.path)
            if real in self._seen or (entry.is_symlink() and real in self._above):
                self._others["links to folders that are there anyway"] += 1
            else:
                self.folders.append(name)
                self._enter(entry.path, f"{name}/")
        elif _is_image(entry.name) and (file or entry.is_symlink()):  # a broken link to an image is a missing image
            self.images.append(name)
        elif file:
            self._others[os.path.splitext(entry.name)[1].lower() or "files without an ending"] += 1
        else:
            self._others["broken links" if entry.is_symlink() else "pipes, sockets or devices"] += 1


@cache
def formats() -> tuple[str, ...]:
    """Return the formats that Pillow can decode by itself: no other program is started, nothing is only recognised."""
    from PIL import Image, ImageFile

    Image.init()
    stubs = {name for name, (make, _) in Image.OPEN.items() if _is_a(make, ImageFile.StubImageFile)}
    return tuple(name for name in Image.ID if name not in stubs | {"EPS", "MPEG"})


@cache
def suffixes() -> frozenset[str]:
    """Return the endings of files in these formats."""
    from PIL import Image

    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in formats())


def shown(path: str | Path) -> str:
    r"""Return a path as text that can be printed and stored: bytes that are no letters are written as \xHH."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def unreadable(error: OSError) -> NoReturn:
    """Refuse a file or folder that cannot be read.

    Raises:
        ConfigError: Always.
    """
    raise ConfigError(f"{shown(error.filename)} cannot be read: {error.strerror}", "data.path") from error


def _is_a(make: object, kind: type) -> bool:
    return isinstance(make, type) and issubclass(make, kind)


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in suffixes()


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in LITTER


def _class_name(part: str) -> str:
    return unicodedata.normalize("NFC", shown(part))


def _listed(names: list[str], most: int = 3) -> str:
    return ", ".join([*map(shown, names[:most]), *(["..."] if len(names) > most else [])])
