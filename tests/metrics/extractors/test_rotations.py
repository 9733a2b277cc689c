"""Features of images without labels, and which extractor fits which data."""

import pytest
import torch

from ganexp.config.build import build
from ganexp.config.compose import compose_option
from ganexp.data import Ring
from ganexp.metrics import FID, InceptionScore, Reference
from ganexp.metrics.extractors import Classifier, Inception, Rotations
from support.refused import refused
from support.stripes import Made, stripes

pytestmark = pytest.mark.usefixtures("cache")


def unlabelled(seed: int = 0, **options: int) -> Made:
    """Images with a bright upper edge, whose turns can be told."""
    images = stripes(classes=1, seed=seed).images
    images[:, :, :2] = 255
    return Made(images, None, **options)


def prepared(data: Made) -> Rotations:
    extractor = Rotations()
    extractor.check(data)
    extractor.prepare(data)
    return extractor


def test_it_learns_how_images_are_turned_and_needs_no_labels() -> None:
    extractor, images = prepared(unlabelled()), unlabelled(seed=1).images
    for quarters in range(4):
        vectors, logits = extractor(images.rot90(quarters, (2, 3)))
        assert vectors.shape == (100, 128) and logits.shape == (100, 4)
        assert (logits.argmax(1) == quarters).all()
    assert extractor.identity["name"] == "rotations" and extractor.identity["test_accuracy"] == 1.0
    again = prepared(unlabelled(subset=10))  # of the whole data, whatever subset a model learns from; read, not made
    assert again.identity == extractor.identity


def test_its_distances_tell_better_samples_from_worse() -> None:
    reference = Reference(unlabelled(), Rotations())
    reference.prepare(features=True)
    real, noise = unlabelled(seed=2).images, torch.randint(0, 256, (100, 1, 8, 8), dtype=torch.uint8)
    scores = [FID()(reference.samples(images), reference)["fid"] for images in (real, real[:1].repeat(100, 1, 1, 1), noise)]
    assert scores[0] < min(scores[1:]) / 5


def test_images_that_are_not_bytes_are_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        prepared(unlabelled())(torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize(("shape", "count"), [((3, 70, 70), 2), ((2, 3, 3), 1), ((1, 8, 60), 2)])
def test_small_and_large_images_do_no_harm(shape: tuple[int, int, int], count: int) -> None:
    images = torch.randint(0, 256, (count, *shape), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    vectors, logits = prepared(Made(images, None))(images)
    assert vectors.isfinite().all() and logits.isfinite().all()


def test_its_classes_are_no_kinds_of_things() -> None:
    with refused("metrics", "extractor"):
        InceptionScore().check(Reference(unlabelled(), Rotations()))


@pytest.mark.parametrize(
    ("options", "kinds"), [({}, (Classifier, Rotations)), ({"unlabelled": "inception"}, (Classifier, Inception))]
)
def test_the_default_fits_itself_to_the_labels(options: dict[str, str], kinds: tuple[type, type]) -> None:
    node = compose_option("extractor", "auto") | {key: compose_option("extractor", name) for key, name in options.items()}
    chosen = [Reference(data, build(node, "extractor")).extractor for data in (stripes(), unlabelled())]
    assert tuple(map(type, chosen)) == kinds
    assert Reference(Ring(), build(node, "extractor")).extractor is None
