"""Any folder of images.

Contract: the images and their labels are a function of the content of the files, the order of their names and the options
alone: not of where the folder is, nor of when its files were written.
"""

from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import Unpack

from ganexp.config.paths import user_path
from ganexp.data.content import UnreadableFiles, digests
from ganexp.data.decoded import Decoded, DecodedOptions, Listing
from ganexp.data.labelled import label, stacked
from ganexp.data.scan import scan


class ImageFolder(Decoded):
    """The images in a folder and everything below it, by class or not.

    Two or more sub-folders with images, and no image beside them, are classes, named and numbered in sorted order; otherwise
    there are no labels, unless a table has them. Where the folder has `train` and `test` (or `val`), these are the splits.
    :mod:`ganexp.data.scan` says what is found, `found` what was. The images come in sorted order; classes take turns, the first
    of each, then the second of each, so that a subset is even over them.

    Content is looked at again when names, sizes or times of the files have changed.

    Arguments:
        path: The folder.
        held_out: Every how many-th image of each class is held out for testing, unless the folder has splits of its own; None
            holds out none. Where none is held out, also because there are too few, the test split is the training split.
        test: Another folder, with the test images, of the same classes; None: those of the folder itself, or what is held out.
        labels: A ``.csv`` with the labels, in place of the names of sub-folders; see :func:`ganexp.data.labelled.label`.
        options: See :class:`ganexp.data.decoded.DecodedOptions`.

    Raises:
        ConfigError: The folder is missing or has no images.
    """

    def __init__(
        self,
        path: str,
        held_out: Annotated[int, Field(ge=2)] | None = 10,
        test: str | None = None,
        labels: str | None = None,
        **options: Unpack[DecodedOptions],
    ) -> None:
        super().__init__(**options)
        self.path = user_path(path).absolute()
        found, vectors = (
            scan(self.path, labels is None, None if test is None else user_path(test).absolute()),
            dict[str, Tensor](),
        )
        if labels is not None:
            labelled = label(found, user_path(labels).absolute())
            found, self.attributes, vectors = labelled.scan, labelled.attributes, labelled.vectors
        self.class_names, self.unlabelled = found.classes, found.unlabelled
        self.num_classes = len(self.class_names or ())
        if found.test is None:
            turns = _turns(found.train)
            train = [turn[1:] for turn in turns if held_out is None or turn[0] % held_out]
            tested = [turn[1:] for turn in turns if held_out is not None and turn[0] % held_out == 0]
        else:
            train, tested = ([turn[1:] for turn in _turns(part)] for part in (found.train, found.test))
        names, classes = [name for _, name in train + tested], torch.tensor([number for number, _ in train + tested])
        if self.class_names:
            counts = classes[: len(train)][: self.subset].bincount(minlength=self.num_classes)
            self.class_weights = tuple(counts.double().tolist())
        y = stacked(vectors, names) if self.attributes else classes if self.class_names else None
        self._listing = Listing(names, len(train), y, found.left_out)

    @property
    def listing(self) -> Listing:
        """The images in their order."""
        return self._listing

    def source(self, name: str) -> Path:
        """Return the file of an image."""
        return self.path / name

    def content(self) -> list[str]:
        """Return a digest of each file."""
        try:
            return digests(self.path, self.listing.names, self._folder, lambda work: self.each(work, "reading"))
        except UnreadableFiles as error:
            raise self.unreadable(error.files) from error


def _turns(classes: list[list[str]]) -> list[tuple[int, int, str]]:
    """Return the images of all classes as their number in the class, counted from 1, the class and the name, by turns."""
    return sorted((rank, label, name) for label, group in enumerate(classes) for rank, name in enumerate(group, start=1))
