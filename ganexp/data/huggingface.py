"""Images of data sets that the package `datasets` reads, from the Hugging Face Hub or from a folder."""

import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data.arrays import for_testing
from ganexp.data.attributes import Attributes, numbers
from ganexp.data.content import UnreadableFiles, kept_digests
from ganexp.data.decoded import Decoded, DecodedOptions, Listing

_TRAIN = ("train",)
_TEST = ("test", "validation", "val")


class HuggingFace(Decoded):
    """The images in one column of a data set, with classes from another, or attributes from several.

    Arguments:
        path: The name of a data set on the Hub, such as `ylecun/mnist`, which is downloaded on first use into the package's own
            cache; a folder that its `save_to_disk` has written; or a folder of files that it reads.
        name: The configuration of the data set, where it has several.
        train: The split to learn; None: `train`, or the only one.
        test: The split to be tested on; None: `test` or `validation`, if there is one.
        image: The column with the images; None: the only one of that kind.
        label: The column with the class; None: the only one that has named classes, if there is one.
        attributes: Columns of numbers, or of text, in place of a class.
        held_out: Every how many-th image of each class is for testing, where there is no split for it; None: none, the training
            images are tested on.
        options: See :class:`ganexp.data.decoded.DecodedOptions`.

    Raises:
        ConfigError: `datasets` is not installed, the data set cannot be loaded, or has no such split or column.
    """

    def __init__(
        self,
        path: str,
        name: str | None = None,
        train: str | None = None,
        test: str | None = None,
        image: str | None = None,
        label: str | None = None,
        attributes: Sequence[str] = (),
        held_out: Annotated[int, Field(ge=2)] | None = 10,
        **options: Unpack[DecodedOptions],
    ) -> None:
        super().__init__(**options)
        splits = _load(path, name)
        first = _named(train, splits, _TRAIN, "data.train") or next(iter(splits))
        second = _named(test, {key: part for key, part in splits.items() if key != first}, _TEST, "data.test")
        used = [splits[key] for key in (first, second) if key]
        column = _column(used[0], image, "Image", "data.image")
        if column is None:
            raise ConfigError(f"{path} has no column of images", "data.image", hint=f"it has {', '.join(used[0].features)}")
        self._parts = {key: _undecoded(splits[key], column) for key in (first, second) if key}
        self._column = column
        train_names, test_names = ([f"{key}/{i}" for i in range(len(splits[key]))] if key else [] for key in (first, second))
        if not train_names:
            raise ConfigError(f"{path} has no images", "data.path")
        names = [*train_names, *test_names]
        if attributes and label is not None:
            raise ConfigError("labels are either a class or attributes", "data.label", "data.attributes")
        kind = None if attributes else _column(used[0], label, "ClassLabel", "data.label")
        classes = None if kind is None else _values(used, kind, "data.label")
        order, count = list(range(len(names))), len(train_names)
        if second is None:
            chosen = for_testing(count, None if classes is None else _numbered(classes), held_out).tolist()
            order.sort(key=chosen.__getitem__)  # keeps the order of either part
            count -= sum(chosen)
        y: Tensor | None = None
        if attributes:
            y = self._vectors(used, list(attributes), order, count, path)
        elif kind is not None and classes is not None:
            y = self._classes(kind, used[0].features[kind], [classes[i] for i in order], count)
        if self.num_classes and y is not None:
            self.class_weights = tuple(y[:count][: self.subset].bincount(minlength=self.num_classes).double().tolist())
        self._listing = Listing([names[i] for i in order], count, y)

    @property
    def listing(self) -> Listing:
        """The images in their order."""
        return self._listing

    def source(self, name: str) -> Path | BinaryIO:
        """Return the bytes of an image, or its file."""
        split, _, index = name.rpartition("/")
        found = self._parts[split][int(index)][self._column]
        return io.BytesIO(found["bytes"]) if found["bytes"] is not None else Path(found["path"])

    def shown(self, name: str) -> str:
        """Return the split and the number of an image."""
        return name

    def content(self) -> list[str]:
        """Return a digest of each image."""
        states = [f"{split} {part._fingerprint} {len(part)}" for split, part in self._parts.items()]
        try:
            return kept_digests(
                [*states, *self.listing.names], self.listing.names, self._folder, lambda work: self.each(work, "reading")
            )
        except UnreadableFiles as error:
            raise self.unreadable(error.files) from error

    def _vectors(self, parts: list[Any], attributes: list[str], order: list[int], count: int, path: str) -> Tensor:
        """Return the attributes of the images in their order, and note what they are."""
        columns = [[_cell(value) for value in _values(parts, one, "data.attributes")] for one in attributes]
        rows = list(zip(*columns, strict=True))
        names, known = numbers(attributes, [rows[i] for i in order], Path(path))
        self.attributes = Attributes.of(names, known[:count])
        return self.attributes.encode(known)

    def _classes(self, column: str, feature: Any, values: list[Any], count: int) -> Tensor:
        """Return the classes of the images from their values, of which the first are for training; note what they are."""
        if hasattr(feature, "names"):
            self.class_names = tuple(feature.names)
            classes = [-1 if value is None else value for value in values]
        else:
            found = sorted(set(values[:count]) - {None}, key=lambda value: (str(type(value)), value))
            self.class_names = tuple(map(str, found))
            places = {value: number for number, value in enumerate(found)}
            classes = [places.get(value, -1) for value in values]
        self.num_classes = len(self.class_names)
        y = torch.tensor(classes)
        if y.min() < 0 or y.max() >= self.num_classes:
            hint = "use another split, or data.label of another column"
            raise ConfigError(f"some images have no class of the column {column}", "data.label", hint=hint)
        return y


def _numbered(values: list[Any]) -> Tensor:
    """Return a number of each value, with shape (N,): equal ones have the same."""
    places = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return torch.tensor([places[value] for value in values], dtype=torch.int64)


def _load(path: str, name: str | None) -> dict[str, Any]:
    """Return all splits of a data set, by name."""
    try:
        import datasets
    except ImportError as error:
        raise ConfigError("datasets cannot be imported", "data", hint="pip install 'ganexp[datasets]'") from error
    place, hub = user_path(path), logging.getLogger("huggingface_hub")
    level = hub.level
    hub.setLevel(logging.CRITICAL)  # what it would log of an address that it does not reach is in the refusal
    try:
        if (place / "dataset_dict.json").exists() or (place / "dataset_info.json").exists():
            found = datasets.load_from_disk(str(place))
        else:
            found = datasets.load_dataset(str(place.absolute()) if place.exists() else path, name)
    except Exception as error:  # whatever is missing, damaged or not reached
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = "name a data set of the Hugging Face Hub, or a folder"
        raise ConfigError(f"cannot be loaded: {reason}", "data.path", *(["data.name"] if name else []), hint=hint) from error
    finally:
        hub.setLevel(level)
    return dict(found) if isinstance(found, dict) else {"train": found}


def _named(wanted: str | None, splits: dict[str, Any], usual: Sequence[str], key: str) -> str | None:
    """Return the split that is meant, or one with a usual name, if there is one."""
    if wanted is not None and wanted not in splits:
        raise ConfigError(f"there is no split {wanted}", key, hint=f"choices: {', '.join(splits)}")
    return wanted or next((name for name in usual if name in splits), None)


def _column(part: Any, wanted: str | None, kind: str, key: str) -> str | None:
    """Return the column that is meant, or the only one of a kind; None where there is none."""
    if wanted is not None:
        _check_column(part, wanted, key)
        if kind == "Image" and type(part.features[wanted]).__name__ != kind:
            raise ConfigError(f"the column {wanted} holds no images", key)
        return wanted
    found = [name for name, feature in part.features.items() if type(feature).__name__ == kind]
    if len(found) > 1:
        raise ConfigError("there are several such columns", key, hint=f"choices: {', '.join(found)}")
    return found[0] if found else None


def _check_column(part: Any, wanted: str, key: str) -> None:
    if wanted not in part.features:
        meant = near_miss(wanted, part.features)
        hint = f"did you mean {meant}?" if meant else f"choices: {', '.join(part.features)}"
        raise ConfigError(f"there is no column {wanted}", key, hint=hint)


def _values(parts: list[Any], column: str, key: str) -> list[Any]:
    for part in parts:
        _check_column(part, column, key)
    return [value for part in parts for value in part.with_format(None).select_columns([column])[column]]


def _cell(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        raise ConfigError(f"a value is {'missing' if value is None else 'no number and no text'}", "data.attributes")
    return str(int(value)) if isinstance(value, bool) else str(value)


def _undecoded(part: Any, column: str) -> Any:
    """Return one column of a split, of which images come as bytes or files."""
    import datasets

    return part.select_columns([column]).cast_column(column, datasets.Image(decode=False))
