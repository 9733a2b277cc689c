"""A classifier of the data's own classes."""

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data.base import Split
from ganexp.data.images import Images
from ganexp.metrics.extractors.base import Features, check_bytes
from ganexp.metrics.extractors.taught import Lesson, Taught


class Classifier(Taught):
    """A small convolutional classifier of the data's own classes, trained once on its training labels.

    Data whose channels are images of another data set, its `layers`, are seen by the classifier of that: vectors are
    concatenated over the C channels, and the logits are the log-probabilities of all K^C combinations of classes, those of the
    last channel counting fastest.
    """

    name = "classifier"
    knows_classes = True

    def check(self, data: Images) -> None:
        """Refuse data without labels.

        Raises:
            ConfigError: There are none.
        """
        if not _learnt(data).num_classes:
            why = f": {data.unlabelled}" if data.unlabelled else ""
            raise ConfigError(
                f"the classifier learns from labels, and the data has none{why}",
                "extractor",
                "data",
                hint="use extractor=rotations, extractor=inception or metrics=none",
            )

    def lesson(self, data: Images, split: Split) -> Lesson:
        """Return the images and their classes."""
        images, labels = data.load(split)
        assert labels is not None
        return Lesson(images, labels, data.num_classes)

    def prepare(self, data: Images) -> None:
        """Read the network, or train it.

        Raises:
            ConfigError: The data has no labels.
        """
        super().prepare(_learnt(data))
        self._layered = data.layers is not None

    def __call__(self, images: Tensor) -> Features:
        if not self._layered:
            return super().__call__(images)
        check_bytes(images)
        layers = [super(Classifier, self).__call__(layer) for layer in images.split(1, dim=1)]
        logits = layers[0].logits.log_softmax(1)
        for layer in layers[1:]:
            logits = (logits[:, :, None] + layer.logits.log_softmax(1)[:, None, :]).flatten(1)
        return Features(torch.cat([layer.vectors for layer in layers], 1), logits)


def _learnt(data: Images) -> Images:
    """Return the data set whose classes the classifier learns."""
    return data if data.layers is None else data.layers
