"""Features without labels: what a network needs to tell how an image was turned."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ganexp.data.base import Split
from ganexp.data.images import Images
from ganexp.metrics.extractors.convnet import LARGEST
from ganexp.metrics.extractors.taught import Lesson, Taught

# Images of each split that are turned, from all over it, and how many are made smaller at a time.
MOST = 20_000
CHUNK = 1000


class Rotations(Taught):
    """A small convolutional network that tells by how many quarters an image was turned, for images without labels.

    Its features are of shapes and where they lie, as far as these tell up from down; where nothing does, as in textures, they
    are hardly better than those of random weights, and its accuracy on test images, which is part of a measurement's protocol,
    is near 1/4. Distances of its features compare models of the same data, no more: they are in no unit of the literature.

    References:
        Unsupervised Representation Learning by Predicting Image Rotations (Gidaris et al., 2018)
        https://arxiv.org/abs/1803.07728
    """

    name = "rotations"
    knows_classes = False
    names_things = False

    def lesson(self, data: Images, split: Split) -> Lesson:
        """Return images, each turned by no, one, two and three quarters, and by how many."""
        images = data.load(split)[0]
        some = images[:: -(-len(images) // MOST)]
        small = torch.cat([_shrink(part) for part in some.split(CHUNK)])
        turned = torch.cat([small.rot90(quarters, (2, 3)) for quarters in range(4)])
        return Lesson(turned, torch.arange(4).repeat_interleave(len(small)), 4)


def _shrink(images: Tensor) -> Tensor:
    """Make images (uint8, (N, C, H, W)) as small as the network sees them, and square, so that they can be turned; as bytes."""
    height, width = images.shape[2:]
    side = min(max(height, width), LARGEST)
    if height == width == side:
        return images
    return F.interpolate(images.float(), (side, side), mode="area").round_().to(torch.uint8)
