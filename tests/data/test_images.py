import math

import pytest
import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data import Digits, Images, Split


class Given(Images):
    """Images from memory."""

    def __init__(self, images: Tensor, **options: int):
        self.images = images
        self.shape = tuple(images.shape[1:])
        super().__init__(batch_size=1, **options)

    def read(self, split: Split) -> tuple[Tensor, None]:
        return self.images, None


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 1)])
def test_decode_is_affine_and_exact_at_both_ends(low: float, high: float) -> None:
    raw = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    before = raw.clone()
    decoded = Digits(value_range=(low, high)).decode(raw)
    assert decoded.min() == low and decoded.max() == high
    torch.testing.assert_close(decoded, torch.linspace(low, high, 256).view(4, 1, 8, 8))
    assert torch.equal(raw, before)


def test_other_ranges_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        Digits(value_range=(0, 255))
    assert caught.value.keys == ("data.value_range",)


def test_digits_are_split_by_class() -> None:
    data = Digits()
    (train, train_labels), (test, test_labels) = data.load("train"), data.load("test")
    assert len(train) + len(test) == 1797
    shares = test_labels.bincount() / (train_labels.bincount() + test_labels.bincount())
    assert (shares - 0.2).abs().max() < 0.01
    seen = {image.numpy().tobytes() for image in train}
    assert not any(image.numpy().tobytes() in seen for image in test)
    assert train.min() == 0 and train.max() == 255


def test_a_subset_is_the_beginning_of_the_training_images() -> None:
    whole, cut = Digits(), Digits(subset=100)
    (images, labels), (first, first_labels) = whole.load("train"), cut.load("train")
    assert torch.equal(first, images[:100]) and torch.equal(first_labels, labels[:100])
    assert torch.equal(cut.load("test")[0], whole.load("test")[0])
    assert torch.equal(Digits(subset=len(images)).load("train")[0], images)
    without_labels = Given(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), subset=2).load("train")
    assert len(without_labels[0]) == 2 and without_labels[1] is None


def test_a_subset_larger_than_the_data_is_refused() -> None:
    count = len(Digits().load("train")[0])
    with pytest.raises(ConfigError, match=f"only {count:,} training images") as caught:
        Digits(subset=count + 1).load("train")
    assert caught.value.keys == ("data.subset",)
    Digits(subset=count + 1).load("test")


@pytest.mark.parametrize("size", [4, 8, 20])
def test_a_size_is_known_at_construction_and_kept_by_both_splits(size: int) -> None:
    data = Digits(size=size)
    assert data.shape == (1, size, size) and Digits().shape == (1, 8, 8)
    for split in ("train", "test"):
        images, labels = data.load(split)
        whole, whole_labels = Digits().load(split)
        assert images.shape == (len(whole), 1, size, size) and images.dtype == torch.uint8
        assert torch.equal(labels, whole_labels)
        brightness = [x.float().mean((1, 2, 3)) for x in (images, whole)]
        assert torch.corrcoef(torch.stack(brightness))[0, 1] > 0.95


def test_resizing_averages_what_it_makes_smaller_and_stays_within_the_bytes() -> None:
    stripes = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    stripes[:, :, :, ::2] = 255
    small = Given(stripes, size=8).load("train")[0]
    assert ((small.float() - 127.5).abs() < 10).all()
    edge = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    edge[:, :, :, 4:] = 255
    large = Given(edge, size=32).load("train")[0]
    assert (large[..., :12] < 30).all() and (large[..., 20:] > 225).all()
    flat = torch.full((2, 1, 5, 7), 77, dtype=torch.uint8)
    assert torch.equal(Given(flat, size=9).load("train")[0], torch.full((2, 1, 9, 9), 77, dtype=torch.uint8))


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 1)])
def test_encoding_is_the_inverse_of_decoding_and_rounds_to_the_nearest_byte(low: float, high: float) -> None:
    data = Digits(value_range=(low, high))
    raw = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    step = (high - low) / 255
    decoded = data.decode(raw)
    before = decoded.clone()
    for away in (0, 0.49 * step, -0.49 * step):
        assert torch.equal(data.encode(decoded + away), raw)
    assert torch.equal(data.encode(decoded[:2].double()), raw[:2]) and torch.equal(decoded, before)
    beyond = torch.tensor([low - 5, high + 5, math.inf, -math.inf, math.nan]).view(5, 1, 1, 1)
    assert data.encode(beyond).flatten().tolist() == [0, 255, 255, 0, 0]


def test_the_fingerprint_is_that_of_the_content() -> None:
    fingerprint = Digits().fingerprint
    assert fingerprint == Digits(value_range=(0, 1), batch_size=3, drop_last=False).fingerprint
    images = torch.zeros(6, 1, 2, 2, dtype=torch.uint8)
    changed = images.clone()
    changed[-1, 0, 1, 1] = 1
    others = [
        data.fingerprint for data in (Digits(size=16), Digits(subset=9), Given(images), Given(changed), Given(images[:5]))
    ]
    assert fingerprint not in others and len(set(others)) == len(others)
    assert Given(images).fingerprint == Given(images.clone()).fingerprint


def test_the_whole_has_no_subset_and_leaves_the_part_as_it_is() -> None:
    part = Digits(subset=100, size=16, value_range=(0, 1))
    assert part.fingerprint != Digits(size=16).fingerprint
    whole = part.whole()
    assert len(whole.load("train")[0]) == 1442 and whole.shape == part.shape and whole.value_range == part.value_range
    assert whole.fingerprint == Digits(size=16).fingerprint
    assert len(part.load("train")[0]) == 100 and part.fingerprint != whole.fingerprint
    assert Digits().layers is None
