"""Faces with forty attributes."""

import zipfile
from functools import cached_property
from pathlib import Path

import torch
from typing_extensions import Unpack

from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.data.attributes import Attributes
from ganexp.data.base import digest
from ganexp.data.content import UnreadableFiles, digests
from ganexp.data.decoded import Decoded, DecodedOptions, Listing
from ganexp.data.published import Published

_IMAGES, _ARCHIVE = "img_align_celeba", "img_align_celeba.zip"
_TABLES = ("list_attr_celeba.txt", "list_eval_partition.txt")
_TRAIN, _TEST = "0", "2"  # 1 is for validation, which is not used

# fmt: off
NAMES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses", "Goatee",
    "Gray_Hair",
    "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard", "Oval_Face",
    "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair",
    "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young",
)
# fmt: on


class CelebA(Published, Decoded):
    """202,599 aligned faces of celebrities, 162,770 of them for training and 19,962 for testing, in colour.

    They have 178x218 pixels, of which the largest centred part with the aspect of `size` is taken. torchvision downloads the
    files from Google Drive, which needs the package `gdown` and often refuses; they may as well be put there by hand.

    Arguments:
        root: See :class:`ganexp.data.published.Published`.
        labels: `attributes`, all forty; the name of one of them, which is then the class; or `none`.
        options: See :class:`ganexp.data.decoded.DecodedOptions`.

    References:
        Deep Learning Face Attributes in the Wild (Liu et al., 2015), https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html

    Raises:
        ConfigError: There is no such attribute.
    """

    dataset = "CelebA"
    count = 162_770
    place = ("data", "data.root")

    def __init__(self, root: str | None = None, labels: str = "attributes", **options: Unpack[DecodedOptions]) -> None:
        super().__init__(root, **options)
        self._labels = labels
        if labels == "attributes":
            self.attributes = Attributes(NAMES, (-1.0,) * len(NAMES), (2.0,) * len(NAMES))
        elif labels in NAMES:
            self.class_names, self.num_classes = (f"not {labels}", labels), 2
        elif labels != "none":
            meant = near_miss(labels, NAMES)
            hint = f"did you mean {meant}?" if meant else f"choices: attributes, none, {', '.join(NAMES)}"
            raise ConfigError(f"there is no attribute {labels}", "data.labels", hint=hint)

    def prepare(self) -> None:
        """Download what is missing, and decode the images unless that was done before.

        Raises:
            ConfigError: A file is missing and cannot be downloaded, is damaged, or the result cannot be written.
        """
        self.fetch()
        super().prepare()

    def files(self) -> list[str]:
        """Name the two tables that are used, and the folder with the images."""
        return [f"{self.torchvision.base_folder}/{name}" for name in (*_TABLES, _IMAGES)]

    def archives(self) -> dict[str, list[str]]:
        """Return the files on Google Drive; of an archive that is there, the images are unpacked."""
        files = [(number, name) for number, _, name in self.torchvision.file_list if name in (*_TABLES, _ARCHIVE)]
        address = "https://drive.google.com/uc?id="
        return {f"{self.torchvision.base_folder}/{name}": [address + number] for number, name in files}

    def download(self) -> None:
        """Unpack the images where the archive is there; else let torchvision download all files."""
        archive = self.home / _ARCHIVE
        if archive.exists() and all((self.home / name).exists() for name in _TABLES):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(self.home)
        else:
            super().download()

    @cached_property
    def listing(self) -> Listing:
        """The images of both splits, as the tables say."""
        try:
            parts = dict(line.split() for line in (self.home / _TABLES[1]).read_text().splitlines())
            _, header, *rows = (self.home / _TABLES[0]).read_text().splitlines()
            if tuple(header.split()) != NAMES:
                raise ValueError(f"{_TABLES[0]} has other attributes")
            known = {name: values for name, *values in map(str.split, rows)}
            train, test = (sorted(name for name, part in parts.items() if part == one) for one in (_TRAIN, _TEST))
            if not train or not test:
                raise ValueError(f"{_TABLES[1]} names no images")
            names = [*train, *test]
            values = torch.tensor([[float(value) for value in known[name]] for name in names])
            if values.shape != (len(names), len(NAMES)):
                raise ValueError(f"{_TABLES[0]} has other attributes")
        except OSError as error:
            raise self.absent("was not prepared") from error
        except (KeyError, ValueError) as error:
            raise self.damaged(str(error)) from error
        labels = None
        if self.attributes is not None:
            labels = self.attributes.encode(values)
        elif self.num_classes:
            labels = (values[:, NAMES.index(self._labels)] > 0).long()
        return Listing(names, len(train), labels)

    @cached_property
    def class_weights(self) -> tuple[float, ...] | None:  # type: ignore[override] # mypy takes it for read-only
        """How many training images each of the two classes has."""
        labels = self.listing.labels
        if not self.num_classes or labels is None:
            return None
        return tuple(labels[: self.listing.train].bincount(minlength=2).double().tolist())

    def source(self, name: str) -> Path:
        """Return the file of an image."""
        return self.home / _IMAGES / name

    def content(self) -> list[str]:
        """Return a digest of each file."""
        try:
            return digests(self.home / _IMAGES, self.listing.names, self._folder, lambda work: self.each(work, "reading"))
        except UnreadableFiles as error:
            raise self.unreadable(error.files) from error

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the images, and of which labels they have."""
        return digest(super().fingerprint, self._labels)
