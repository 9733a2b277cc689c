"""A folder of images whose labels are in a table beside it."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data.attributes import Attributes, classes_of, numbers, read_table, rows_of
from ganexp.data.scan import Scan


@dataclass(frozen=True)
class Labelled:
    """What a table makes of a folder.

    Attributes:
        scan: The images; by class, if the table says the class of each.
        attributes: What it says otherwise; None where it says the class.
        vectors: The vector of each image (float32, (attributes.size,)), by its name.
    """

    scan: Scan
    attributes: Attributes | None
    vectors: dict[str, Tensor]


def label(found: Scan, path: Path) -> Labelled:
    """Take the labels of images, which a folder does not have by class, from a ``.csv``.

    Its first column names the files, as :func:`.rows_of` says. One more column, of text, is the class of each; more columns, or
    numbers, are attributes.

    Raises:
        ConfigError: It cannot be read, lacks an image, or a class of test images has no training image.
    """
    table = read_table(path)
    (train,), (test,) = found.train, found.test or [[]]
    rows = rows_of(table, [*train, *test], path)
    left_out = dict(found.left_out)
    if unused := len(table.rows) - len(rows):
        left_out[f"rows of {path.name}"] = f"{unused:,} without an image"
    plain = replace(found, left_out=left_out)
    if classes_of(table):
        return Labelled(_by_class(plain, train, test, [row[0] for row in rows], path), None, {})
    names, values = numbers(table.columns, rows, path)
    attributes = Attributes.of(names, values[: len(train)])
    vectors = dict(zip([*train, *test], attributes.encode(values), strict=True))
    return Labelled(plain, attributes, vectors)


def _by_class(found: Scan, train: list[str], test: list[str], each: list[str], path: Path) -> Scan:
    of_train, of_test = each[: len(train)], each[len(train) :]
    names = sorted(set(of_train))
    if strange := sorted(set(of_test) - set(names)):
        raise ConfigError(f"{path}: no training image has the class {strange[0]} of test images", "data.labels")
    groups = [[[file for file, own in zip(files, labels, strict=True) if own == name] for name in names]
              for files, labels in ((train, of_train), (test, of_test))]  # fmt: skip
    return replace(found, train=groups[0], test=groups[1] if found.test else None, classes=tuple(names))


def stacked(vectors: dict[str, Tensor], names: list[str]) -> Tensor:
    """Return the vectors of images, with shape (N, attributes.size)."""
    return torch.stack([vectors[name] for name in names])
